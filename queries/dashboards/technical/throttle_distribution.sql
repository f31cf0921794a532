-- title: Throttle in percent
-- shows: Share of all throttle readings of the field over the last ten seconds, in steps of 10 % named by their lower end.
-- look: more than half of a green lap wide open, and the rest spread over the way into the turns and off them.
-- window: 10s
SELECT
    CAST(CAST(LEAST(floor(throttle_position / 10), 9) AS INTEGER) * 10 AS VARCHAR) AS throttle,
    CAST(SUM(readings) AS DOUBLE) * 100 / CAST(SUM(SUM(readings)) OVER () AS DOUBLE) AS share_pct
FROM (
    SELECT throttle_position, COUNT(*) AS readings
    FROM engine_telemetry
    WHERE time >= $__timeFrom() AND time < $__timeTo()
    GROUP BY throttle_position
) AS counted
GROUP BY 1
ORDER BY MIN(throttle_position)
LIMIT 200
