-- title: Engine by engine speed
-- shows: Water and oil temperature and oil pressure of the whole field by engine speed, in steps of 100 rpm, over the last ten seconds.
-- look: oil pressure that rises with the engine speed, and temperatures that hardly depend on it.
-- window: 10s
SELECT
    rpm // 100 * 100 AS rpm,
    ROUND(AVG(engine_temp), 1) AS engine_temp,
    ROUND(AVG(oil_temp), 1) AS oil_temp,
    ROUND(AVG(oil_pressure), 1) AS oil_pressure
FROM engine_telemetry
WHERE time >= $__timeFrom() AND time < $__timeTo()
GROUP BY 1
ORDER BY 1
LIMIT 100
