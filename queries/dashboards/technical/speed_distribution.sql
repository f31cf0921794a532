-- title: Speeds in mph
-- shows: Share of all speed readings of the field over the last ten seconds, in steps of 5 mph named by their lower end.
-- look: two hills under green, the turns and the straights, and one near 55 mph under caution.
-- window: 10s
SELECT
    CAST(CAST(floor(speed_mph / 5) AS INTEGER) * 5 AS VARCHAR) AS speed,
    CAST(SUM(readings) AS DOUBLE) * 100 / CAST(SUM(SUM(readings)) OVER () AS DOUBLE) AS share_pct
FROM (
    SELECT speed_mph, COUNT(*) AS readings
    FROM engine_telemetry
    WHERE time >= $__timeFrom() AND time < $__timeTo()
    GROUP BY speed_mph
) AS counted
GROUP BY 1
ORDER BY MIN(speed_mph)
LIMIT 200
