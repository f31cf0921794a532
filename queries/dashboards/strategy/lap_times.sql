-- title: Lap times
-- shows: Lap times of the cars of the team by lap. Laps through the pits, under caution and the first after it are left out, so each line breaks between two stints.
-- look: the climb in each stint as its tires wear, and the new beginning lower down after a stop.
-- window: 1h
-- with: green
SELECT lap, driver, lap_time_s
FROM green
ORDER BY lap, car_number
LIMIT 4000
