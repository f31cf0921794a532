-- title: Brake pressure
-- shows: Highest brake line pressure of both cars in each second of the last minute.
-- look: a short touch at turn-in, and more than 500 psi, which is a stop or trouble.
-- window: 60s
SELECT
    to_timestamp(epoch_us(time) // 1000000) AS time,
    ANY_VALUE(driver) AS driver,
    MAX(brake_pressure_psi) AS brake_pressure_psi
FROM chassis_telemetry
WHERE time >= $__timeFrom() AND time < $__timeTo()
  AND car_number IN ($car, $compare)
GROUP BY 1, car_number
ORDER BY 1, car_number
LIMIT 4000
