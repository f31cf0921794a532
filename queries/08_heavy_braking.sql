-- title: Brake Usage Analysis (Heavy Braking Events)
-- shows: The ten drivers with the most readings above 500 psi of brake pressure in a minute: who is late on the brakes, in trouble or on the way into the pits.
-- look: few cars brake hard on a fast oval: those here are in traffic, in trouble or coming to the pits.
SELECT
    car_number,
    driver,
    COUNT(*) as heavy_brake_events,
    ROUND(AVG(brake_pressure_psi), 0) as avg_brake_pressure,
    MAX(brake_pressure_psi) as max_brake_pressure,
    ROUND(AVG(ABS(steering_angle_deg)), 1) as avg_steering_angle
FROM nascar_telemetry.chassis_telemetry
WHERE time >= now() - INTERVAL '1 minute'
  AND brake_pressure_psi > 500
GROUP BY car_number, driver
ORDER BY heavy_brake_events DESC
LIMIT 10;
