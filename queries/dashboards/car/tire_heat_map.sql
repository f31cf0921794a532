-- title: Tire temperature by lap
-- shows: Surface temperature of the four tires at the line, lap by lap over the last ten laps.
-- look: cold after a stop, hot again within a few laps, cooler under caution, and the right front ahead of the others all the way.
-- window: 30m
WITH laps AS (
    SELECT
        lap,
        arg_max(lf_temp_f, time) AS lf,
        arg_max(rf_temp_f, time) AS rf,
        arg_max(lr_temp_f, time) AS lr,
        arg_max(rr_temp_f, time) AS rr
    FROM lap_times
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND car_number = $car
    GROUP BY lap
), newest AS (
    SELECT arg_max(lap, time) AS lap
    FROM lap_times
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND car_number = $car
), tires AS (
    SELECT lap, 1 AS place, 'Left front' AS tire, lf AS temp_f FROM laps
    UNION ALL
    SELECT lap, 2 AS place, 'Right front' AS tire, rf AS temp_f FROM laps
    UNION ALL
    SELECT lap, 3 AS place, 'Left rear' AS tire, lr AS temp_f FROM laps
    UNION ALL
    SELECT lap, 4 AS place, 'Right rear' AS tire, rr AS temp_f FROM laps
)
SELECT tires.lap, tires.tire, ROUND(tires.temp_f, 0) AS temp_f
FROM tires
INNER JOIN newest ON tires.lap BETWEEN newest.lap - 9 AND newest.lap
ORDER BY tires.lap, tires.place
LIMIT 40
