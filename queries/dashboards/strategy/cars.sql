-- title: Cars of the team
-- shows: The cars of the team side by side. Place and gap are those of this moment, all else is from the last line crossing. The predicted stop is the last lap that the fuel is enough for at the use of the newest green laps.
-- look: the lowest predicted stop, which comes in first unless a caution calls all of them, and the oldest tires, which gain most by it.
-- window: 1h
WITH laps AS (
    SELECT
        car_number,
        lap,
        ANY_VALUE(driver) AS driver,
        MAX(time) AS crossed,
        arg_max(lap_time_s, time) AS lap_time_s,
        arg_max(best_lap_s, time) AS best_lap_s,
        arg_max(tire_age_laps, time) AS tire_age_laps,
        arg_max(fuel_gal, time) AS fuel_gal,
        arg_max(stops, time) AS stops,
        arg_max(pit, time) AS pit
    FROM lap_times
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND team = '$team'
    GROUP BY car_number, lap
), burns AS (
    SELECT *, lag(fuel_gal) OVER (PARTITION BY car_number ORDER BY lap) - fuel_gal AS burned_gal
    FROM laps
), newest AS (
    SELECT car_number, arg_max(lap, crossed) AS lap, arg_max(best_lap_s, crossed) AS best_lap_s
    FROM laps
    GROUP BY car_number
), fuel AS (
    SELECT
        burns.car_number,
        ANY_VALUE(burns.driver) AS driver,
        MAX(burns.lap) AS lap,
        arg_max(burns.lap_time_s, burns.lap) AS lap_time_s,
        MAX(newest.best_lap_s) AS best_lap_s,
        arg_max(burns.tire_age_laps, burns.lap) AS tire_age_laps,
        arg_max(burns.stops, burns.lap) AS stops,
        arg_max(burns.fuel_gal, burns.lap) AS fuel_gal,
        AVG(burns.burned_gal) FILTER (
            WHERE burns.pit = 0 AND burns.burned_gal > 0
              AND burns.lap > newest.lap - 30 AND burns.lap_time_s < 1.1 * newest.best_lap_s
        ) AS gal_per_lap
    FROM burns
    INNER JOIN newest ON burns.car_number = newest.car_number AND burns.lap <= newest.lap
    GROUP BY burns.car_number
)
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
