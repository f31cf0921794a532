-- title: Average speed by team
-- shows: The mean speed of each team over the last half minute, about a lap under green, the fastest first.
-- look: a team far below the others has a car on pit road or in trouble.
SELECT
    team,
    AVG(speed_mph) AS average_speed_mph
FROM track_position
WHERE time >= $__timeFrom() AND time < $__timeTo()
  AND time >= (
      SELECT MAX(time) - INTERVAL '30 seconds'
      FROM track_position
      WHERE time >= $__timeFrom() AND time < $__timeTo()
  )
GROUP BY team
ORDER BY average_speed_mph DESC
LIMIT 25
