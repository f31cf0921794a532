-- title: Track map
-- shows: Where every car is, in the colour of its make, on the line that the field drives.
-- look: a train of cars nose to tail drafts, a bunched field is a caution or a restart, a gap behind the leader is a lead.
SELECT
    arg_max(x_m, time) AS x_m,
    arg_max(y_m, time) AS y_m,
    car_number,
    arg_max(driver, time) AS driver,
    arg_max(position, time) AS position,
    arg_max(speed_mph, time) AS speed_mph,
    CASE arg_max(manufacturer, time) WHEN 'Chevrolet' THEN 1 WHEN 'Ford' THEN 2 WHEN 'Toyota' THEN 3 ELSE 0 END AS make
FROM track_position
WHERE time >= $__timeFrom() AND time < $__timeTo()
  AND time >= (
      SELECT MAX(time) - INTERVAL '5 seconds'
      FROM track_position
      WHERE time >= $__timeFrom() AND time < $__timeTo()
  )
GROUP BY car_number
ORDER BY position DESC
LIMIT 100
