-- title: Engine speeds in rpm
-- shows: Share of all engine speed readings of the field over the last ten seconds, in steps of 100 rpm named by their lower end.
-- look: a narrow band at the top under green, because top gear stays in all the way round.
-- window: 10s
SELECT
    CAST(rpm // 100 * 100 AS VARCHAR) AS engine_speed,
    CAST(SUM(readings) AS DOUBLE) * 100 / CAST(SUM(SUM(readings)) OVER () AS DOUBLE) AS share_pct
FROM (
    SELECT rpm, COUNT(*) AS readings
    FROM engine_telemetry
    WHERE time >= $__timeFrom() AND time < $__timeTo()
    GROUP BY rpm
) AS counted
GROUP BY 1
ORDER BY MIN(rpm)
LIMIT 200
