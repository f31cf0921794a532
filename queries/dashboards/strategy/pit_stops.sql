-- title: Pit stops
-- shows: Every stop of the cars of the team in the last hour: the lap in which the car left its box, its time on pit road and in the box, new tires and fuel. A car that came back in at once has one line for both.
-- look: two tires in less time than four, and a long time on pit road with a short one in the box, which is a queue or a penalty.
-- window: 1h
-- with: laps
WITH visits AS (
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
