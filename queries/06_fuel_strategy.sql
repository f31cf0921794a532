-- title: Fuel Strategy Monitor
-- shows: The ten cars with the least fuel over the last two minutes: who has to stop next.
-- look: the car with the least fuel stops next, and red is two laps.
SELECT
    car_number,
    ANY_VALUE(driver) as driver,
    ANY_VALUE(team) as team,
    MAX(lap) as current_lap,
    ROUND(AVG(fuel_level), 2) as avg_fuel_level,
    ROUND(MIN(fuel_level), 2) as min_fuel_level,
    ROUND(MAX(fuel_level), 2) as max_fuel_level,
    COUNT(*) as samples
FROM nascar_telemetry.engine_telemetry
WHERE time >= now() - INTERVAL '2 minutes'
GROUP BY car_number
ORDER BY avg_fuel_level ASC
LIMIT 10;
