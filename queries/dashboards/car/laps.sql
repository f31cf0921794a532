-- title: Laps
-- shows: The newest twenty laps of the chosen car: time, how far from its best of this race, and how much slower or faster than the compared car on the same lap.
-- look: how the time falls off as the tires age, and what a stop or a caution costs.
-- window: 30m
WITH laps AS (
    SELECT
        lap,
        MAX(time) FILTER (WHERE car_number = $car) AS crossed,
        arg_max(lap_time_s, time) FILTER (WHERE car_number = $car) AS lap_time_s,
        arg_max(best_lap_s, time) FILTER (WHERE car_number = $car) AS best_lap_s,
        arg_max(lap_time_s, time) FILTER (WHERE car_number = $compare) AS compared_s,
        arg_max(position, time) FILTER (WHERE car_number = $car) AS position,
        arg_max(tire_age_laps, time) FILTER (WHERE car_number = $car) AS tire_age_laps,
        arg_max(fuel_gal, time) FILTER (WHERE car_number = $car) AS fuel_gal,
        arg_max(pit, time) FILTER (WHERE car_number = $car) AS pit
    FROM lap_times
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND car_number IN ($car, $compare)
    GROUP BY lap
), newest AS (
    SELECT arg_max(lap, crossed) AS lap, arg_max(best_lap_s, crossed) AS best_lap_s
    FROM laps
)
SELECT
    laps.lap,
    laps.lap_time_s,
    ROUND(laps.lap_time_s - newest.best_lap_s, 3) AS delta_to_best_s,
    ROUND(laps.lap_time_s - laps.compared_s, 3) AS delta_to_compared_s,
    laps.position,
    laps.tire_age_laps,
    laps.fuel_gal,
    laps.pit
FROM laps
INNER JOIN newest ON laps.lap <= newest.lap
WHERE laps.lap_time_s IS NOT NULL
ORDER BY laps.lap DESC
LIMIT 20
