-- title: Laps left on fuel
-- shows: How many green laps the fuel of each car of the team lasts from the last line crossing on.
-- look: orange, when it is time to choose the lap, and red, when it has to be the next one.
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
SELECT driver, floor(fuel_gal / gal_per_lap * 10) / 10 AS laps_left
FROM fuel
ORDER BY laps_left, car_number
LIMIT 40
