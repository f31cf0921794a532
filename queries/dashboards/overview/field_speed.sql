-- title: Speed of the field
-- shows: Mean speed of all cars that are not on pit road and that of the leader, every two seconds. Events are the vertical lines.
-- look: the pace drops behind the yellow line of a caution, and comes back with the green one.
SELECT
    to_timestamp(epoch_us(time) // 2000000 * 2) AS time,
    AVG(speed_mph) FILTER (WHERE in_pit = 0) AS field_speed_mph,
    AVG(speed_mph) FILTER (WHERE position = 1) AS leader_speed_mph
FROM track_position
WHERE time >= $__timeFrom() AND time < $__timeTo()
GROUP BY 1
ORDER BY 1 DESC
LIMIT 2000
