-- title: Laps left on fuel
-- shows: How many green laps the fuel of each car of the team lasts from the last line crossing on.
-- look: orange, when it is time to choose the lap, and red, when it has to be the next one.
-- window: 1h
-- with: fuel
SELECT driver, floor(fuel_gal / gal_per_lap * 10) / 10 AS laps_left
FROM fuel
ORDER BY laps_left, car_number
LIMIT 40
