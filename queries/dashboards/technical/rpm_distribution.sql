-- title: Engine speeds in rpm
-- shows: Share of all engine speed readings of the field over the last ten seconds, in steps of 100 rpm named by their lower end.
-- look: a narrow band at the top under green, because top gear stays in all the way round.
-- window: 10s
SELECT
    CAST(step * 100 AS VARCHAR) AS engine_speed,
    CAST(readings AS DOUBLE) * 100 / CAST(SUM(readings) OVER () AS DOUBLE) AS share_pct
FROM (
    SELECT rpm // 100 AS step, COUNT(*) AS readings
    FROM engine_telemetry
    WHERE time >= $__timeFrom() AND time < $__timeTo()
    GROUP BY 1
) AS steps
ORDER BY step
LIMIT 200
