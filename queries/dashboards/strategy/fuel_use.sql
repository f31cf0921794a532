-- title: Fuel consumption
-- shows: What each car of the team burned in each lap from line to line. Laps in which it was refuelled are left out.
-- look: about three tenths of a gallon under green, less in a long draft or when a driver saves, and far less under caution.
-- window: 1h
-- with: laps
WITH burns AS (
    SELECT
        laps.car_number,
        laps.lap,
        laps.driver,
        laps.fuel_added_gal,
        lag(laps.fuel_gal) OVER (PARTITION BY laps.car_number ORDER BY laps.lap) - laps.fuel_gal AS burned_gal
    FROM laps
    INNER JOIN newest ON laps.car_number = newest.car_number AND laps.lap <= newest.lap
)
SELECT lap, driver, ROUND(burned_gal, 3) AS burned_gal
FROM burns
WHERE fuel_added_gal = 0 AND burned_gal >= 0
ORDER BY lap, car_number
LIMIT 4000
