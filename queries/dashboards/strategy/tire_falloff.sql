-- title: Tire fall-off
-- shows: How much slower than the best lap of its stint each car is by the age of its tires, averaged over its stints. Laps through the pits, under caution and the first after it are left out.
-- look: the slope, which is what a lap on these tires costs: a car with a flatter line can stay out longer.
-- window: 1h
-- with: green
WITH stints AS (
    SELECT
        driver,
        tire_age_laps,
        lap_time_s - MIN(lap_time_s) OVER (PARTITION BY car_number, stops) AS falloff_s
    FROM green
)
SELECT tire_age_laps, driver, ROUND(AVG(falloff_s), 3) AS falloff_s
FROM stints
GROUP BY tire_age_laps, driver
ORDER BY tire_age_laps, driver
LIMIT 4000
