-- title: Manufacturer standings
-- shows: Each make: its best place, how many of its cars are in the first ten, and the mean place of all of them.
-- look: the mean place tells more than the leader: it says how the whole make runs.
SELECT
    manufacturer,
    MIN(position) AS best_place,
    COUNT(*) FILTER (WHERE position <= 10) AS in_top_ten,
    AVG(position) AS mean_place
FROM (
    SELECT
        car_number,
        arg_max(manufacturer, time) AS manufacturer,
        arg_max(position, time) AS position
    FROM track_position
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND time >= (
          SELECT MAX(time) - INTERVAL '5 seconds'
          FROM track_position
          WHERE time >= $__timeFrom() AND time < $__timeTo()
      )
    GROUP BY car_number
) AS places
GROUP BY manufacturer
ORDER BY best_place
LIMIT 5
