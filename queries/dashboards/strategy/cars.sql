-- title: Cars of the team
-- shows: The cars of the team side by side. Place and gap are those of this moment, all else is from the last line crossing. The predicted stop is the last lap that the fuel is enough for at the use of the newest green laps.
-- look: the lowest predicted stop, which comes in first unless a caution calls all of them, and the oldest tires, which gain most by it.
-- window: 1h
-- with: fuel
SELECT
    live.position,
    fuel.car_number,
    fuel.driver,
    live.gap_s,
    fuel.lap,
    fuel.lap_time_s,
    fuel.best_lap_s,
    fuel.stops,
    fuel.tire_age_laps,
    fuel.fuel_gal,
    ROUND(fuel.gal_per_lap, 3) AS gal_per_lap,
    floor(fuel.fuel_gal / fuel.gal_per_lap * 10) / 10 AS laps_left,
    CASE
        WHEN fuel.gal_per_lap > 0 THEN fuel.lap + GREATEST(1, floor(fuel.fuel_gal / fuel.gal_per_lap))
    END AS predicted_stop_lap
FROM fuel
INNER JOIN (
    SELECT car_number, arg_max(position, time) AS position, ROUND(arg_max(gap_s, time), 1) AS gap_s
    FROM track_position
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND time >= (
          SELECT MAX(time) - INTERVAL '5 seconds'
          FROM track_position
          WHERE time >= $__timeFrom() AND time < $__timeTo()
      )
      AND team = '$team'
    GROUP BY car_number
) AS live ON live.car_number = fuel.car_number
ORDER BY live.position
LIMIT 40
