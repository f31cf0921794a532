-- title: Lap leaders
-- shows: Who has led how many laps of this race, the most first.
-- look: the longest bar is the dominant car so far, which need not be the one that leads now.
SELECT
    car_number,
    arg_max(driver, time) AS driver,
    arg_max(laps_led, time) AS laps_led
FROM lap_times
WHERE time >= $__timeFrom() AND time < $__timeTo()
  AND lap <= (
      SELECT MAX(lap)
      FROM track_position
      WHERE time >= $__timeFrom() AND time < $__timeTo()
        AND time >= (
            SELECT MAX(time) - INTERVAL '5 seconds'
            FROM track_position
            WHERE time >= $__timeFrom() AND time < $__timeTo()
        )
  )
GROUP BY car_number
HAVING arg_max(laps_led, time) > 0
ORDER BY laps_led DESC, car_number
LIMIT 6
