-- title: Fuel at the line
-- shows: Fuel in the cell of each car of the team at the line, lap by lap.
-- look: a straight way down, a jump up at each stop, and a nearly level stretch under caution.
-- window: 1h
-- with: laps
SELECT laps.lap, laps.driver, laps.fuel_gal
FROM laps
INNER JOIN newest ON laps.car_number = newest.car_number AND laps.lap <= newest.lap
ORDER BY laps.lap, laps.car_number
LIMIT 4000
