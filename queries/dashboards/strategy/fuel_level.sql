-- title: Fuel at the line
-- shows: Fuel in the cell of each car of the team at the line, lap by lap.
-- look: a straight way down, a jump up at each stop, and a nearly level stretch under caution.
-- window: 1h
WITH laps AS (
    SELECT
        car_number,
        lap,
        ANY_VALUE(driver) AS driver,
        MAX(time) AS crossed,
        arg_max(fuel_gal, time) AS fuel_gal
    FROM lap_times
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND team = '$team'
    GROUP BY car_number, lap
), newest AS (
    SELECT car_number, arg_max(lap, crossed) AS lap
    FROM laps
    GROUP BY car_number
)
SELECT laps.lap, laps.driver, laps.fuel_gal
FROM laps
INNER JOIN newest ON laps.car_number = newest.car_number AND laps.lap <= newest.lap
ORDER BY laps.lap, laps.car_number
LIMIT 4000
