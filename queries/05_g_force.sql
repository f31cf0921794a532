-- title: G-Force Distribution (Cornering Performance)
-- shows: The ten cars with the most lateral g in five minutes: who carries the most speed through the banking.
-- look: who leans hardest on the tires: near 3 g in the turns is what they can take.
SELECT
    car_number,
    driver,
    MAX(lateral_g) as max_lateral_g,
    ROUND(AVG(ABS(lateral_g)), 2) as avg_lateral_g,
    MAX(longitudinal_g) as max_longitudinal_g,
    MAX(brake_pressure_psi) as max_brake_pressure
FROM nascar_telemetry.chassis_telemetry
WHERE time >= now() - INTERVAL '5 minutes'
GROUP BY car_number, driver
ORDER BY max_lateral_g DESC
LIMIT 10;
