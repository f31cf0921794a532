-- title: Fuel and laps left
-- shows: Fuel in the cell at the last line crossing, and how many green laps it lasts: fuel divided by what a green lap of the newest thirty laps burned on average.
-- look: red laps, which mean that the car has to stop within two of them.
-- window: 30m
WITH laps AS (
    SELECT
        lap,
        MAX(time) AS crossed,
        arg_max(lap_time_s, time) AS lap_time_s,
        arg_max(best_lap_s, time) AS best_lap_s,
        arg_max(pit, time) AS pit,
        arg_max(fuel_gal, time) AS fuel_gal
    FROM lap_times
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND car_number = $car
    GROUP BY lap
), burns AS (
    SELECT *, lag(fuel_gal) OVER (ORDER BY lap) - fuel_gal AS burned_gal
    FROM laps
), newest AS (
    SELECT arg_max(fuel_gal, crossed) AS fuel_gal, arg_max(lap, crossed) AS lap
    FROM laps
    HAVING COUNT(*) > 0
), green AS (
    SELECT AVG(burned_gal) AS gal_per_lap
    FROM burns
    INNER JOIN newest ON burns.lap BETWEEN newest.lap - 29 AND newest.lap
    WHERE pit = 0 AND burned_gal > 0 AND lap_time_s < 1.1 * best_lap_s
)
SELECT
    newest.fuel_gal,
    floor(newest.fuel_gal / green.gal_per_lap * 10) / 10 AS laps_left
FROM newest
INNER JOIN green ON TRUE
ORDER BY 1
LIMIT 1
