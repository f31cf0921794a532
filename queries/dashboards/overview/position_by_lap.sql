-- title: Position by lap
-- shows: The place of every car at the end of each lap, the leader on top.
-- look: lines that cross are passes, a line that falls and climbs again is a stop, most of the field at once a caution.
SELECT
    lap,
    driver,
    -MIN(position) AS place_below_zero
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
GROUP BY lap, driver
ORDER BY lap DESC, place_below_zero DESC
LIMIT 4000
