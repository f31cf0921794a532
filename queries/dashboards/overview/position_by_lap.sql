-- title: Position by lap
-- shows: The place of every car at the end of each lap, the leader on top.
-- look: lines that cross are passes, a line that falls and climbs again is a stop, most of the field at once a caution.
WITH laps AS (
    SELECT
        lap,
        car_number,
        ANY_VALUE(driver) AS driver,
        MAX(time) AS crossed,
        arg_max(position, time) AS position
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
    GROUP BY lap, car_number
), newest AS (
    SELECT car_number, arg_max(lap, crossed) AS lap
    FROM laps
    GROUP BY car_number
)
SELECT
    laps.lap,
    laps.driver,
    -laps.position AS place_below_zero
FROM laps
INNER JOIN newest ON laps.car_number = newest.car_number AND laps.lap <= newest.lap
ORDER BY laps.lap DESC, place_below_zero DESC
LIMIT 4000
