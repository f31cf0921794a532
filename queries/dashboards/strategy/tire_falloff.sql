-- title: Tire fall-off
-- shows: How much slower than the best lap of its stint each car is by the age of its tires, averaged over its stints. Laps through the pits, under caution and the first after it are left out.
-- look: the slope, which is what a lap on these tires costs: a car with a flatter line can stay out longer.
-- window: 1h
WITH laps AS (
    SELECT
        car_number,
        lap,
        ANY_VALUE(driver) AS driver,
        MAX(time) AS crossed,
        arg_max(lap_time_s, time) AS lap_time_s,
        arg_max(best_lap_s, time) AS best_lap_s,
        arg_max(pit, time) AS pit,
        arg_max(stops, time) AS stops,
        arg_max(tire_age_laps, time) AS tire_age_laps
    FROM lap_times
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND team = '$team'
    GROUP BY car_number, lap
), following AS (
    SELECT *, lag(lap_time_s, 1, lap_time_s) OVER (PARTITION BY car_number ORDER BY lap) AS before_s
    FROM laps
), newest AS (
    SELECT car_number, arg_max(lap, crossed) AS lap, arg_max(best_lap_s, crossed) AS best_lap_s
    FROM laps
    GROUP BY car_number
), green AS (
    SELECT
        following.driver,
        following.tire_age_laps,
        following.lap_time_s
            - MIN(following.lap_time_s) OVER (PARTITION BY following.car_number, following.stops) AS falloff_s
    FROM following
    INNER JOIN newest ON following.car_number = newest.car_number AND following.lap <= newest.lap
    WHERE following.pit = 0
      AND GREATEST(following.lap_time_s, following.before_s) < 1.1 * newest.best_lap_s
)
SELECT tire_age_laps, driver, ROUND(AVG(falloff_s), 3) AS falloff_s
FROM green
GROUP BY tire_age_laps, driver
ORDER BY tire_age_laps, driver
LIMIT 4000
