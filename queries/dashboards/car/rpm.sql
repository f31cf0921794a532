-- title: Engine speed
-- shows: Engine speed of both cars, second by second over the last minute.
-- look: a drop without a turn, which is a shift, a lift or trouble, because in top gear it follows the speed.
-- window: 60s
SELECT
    to_timestamp(epoch_us(time) // 1000000) AS time,
    ANY_VALUE(driver) AS driver,
    ROUND(AVG(rpm), 0) AS rpm
FROM engine_telemetry
WHERE time >= $__timeFrom() AND time < $__timeTo()
  AND car_number IN ($car, $compare)
GROUP BY 1, car_number
ORDER BY 1, car_number
LIMIT 4000
