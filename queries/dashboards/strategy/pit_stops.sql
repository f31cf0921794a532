-- title: Pit stops
-- shows: Every stop of the cars of the team in the last hour: the lap in which the car left its box, its time on pit road and in the box, new tires and fuel. A car that came back in at once has one line for both.
-- look: two tires in less time than four, and a long time on pit road with a short one in the box, which is a queue or a penalty.
-- window: 1h
WITH laps AS (
    SELECT
        car_number,
        lap,
        ANY_VALUE(driver) AS driver,
        MAX(time) AS crossed,
        arg_max(pit_road_s, time) AS pit_road_s,
        arg_max(box_s, time) AS box_s,
        arg_max(tires_changed, time) AS tires_changed,
        arg_max(fuel_added_gal, time) AS fuel_added_gal
    FROM lap_times
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND team = '$team'
    GROUP BY car_number, lap
), newest AS (
    SELECT car_number, arg_max(lap, crossed) AS lap
    FROM laps
    GROUP BY car_number
), visits AS (
    SELECT
        laps.*,
        laps.lap - row_number() OVER (PARTITION BY laps.car_number ORDER BY laps.lap) AS visit
    FROM laps
    INNER JOIN newest ON laps.car_number = newest.car_number AND laps.lap <= newest.lap
    WHERE laps.pit_road_s > 0
)
SELECT
    MAX(lap) FILTER (WHERE box_s > 0) AS lap,
    car_number,
    ANY_VALUE(driver) AS driver,
    ROUND(SUM(pit_road_s), 1) AS pit_road_s,
    ROUND(SUM(box_s), 1) AS box_s,
    MAX(tires_changed) AS tires_changed,
    ROUND(SUM(fuel_added_gal), 2) AS fuel_added_gal
FROM visits
GROUP BY car_number, visit
HAVING SUM(box_s) > 0
ORDER BY 1 DESC, car_number
LIMIT 100
