-- title: Lap times
-- shows: Lap times of the cars of the team by lap. Laps through the pits, under caution and the first after it are left out, so each line breaks between two stints.
-- look: the climb in each stint as its tires wear, and the new beginning lower down after a stop.
-- window: 1h
WITH laps AS (
    SELECT
        car_number,
        lap,
        ANY_VALUE(driver) AS driver,
        MAX(time) AS crossed,
        arg_max(lap_time_s, time) AS lap_time_s,
        arg_max(best_lap_s, time) AS best_lap_s,
        arg_max(pit, time) AS pit
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
)
SELECT following.lap, following.driver, following.lap_time_s
FROM following
INNER JOIN newest ON following.car_number = newest.car_number AND following.lap <= newest.lap
WHERE following.pit = 0
  AND GREATEST(following.lap_time_s, following.before_s) < 1.1 * newest.best_lap_s
ORDER BY following.lap, following.car_number
LIMIT 4000
