-- title: Where the race stands
-- shows: The flag, the lap that the leader is on, who leads, how many laps that car has led, and how far the second is behind.
-- look: the flag first: under yellow the gaps close, and what was won on the track is lost in the pits.
WITH now_at AS (
    SELECT
        arg_max(flag, time) AS flag,
        MAX(lap) AS lap,
        arg_max(driver, time) FILTER (WHERE position = 1) AS leader,
        arg_max(car_number, time) FILTER (WHERE position = 1) AS car_number,
        arg_max(gap_s, time) FILTER (WHERE position = 2) AS lead_s
    FROM track_position
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND time >= (
          SELECT MAX(time) - INTERVAL '5 seconds'
          FROM track_position
          WHERE time >= $__timeFrom() AND time < $__timeTo()
      )
)
SELECT
    flag,
    lap,
    leader,
    (SELECT arg_max(laps.laps_led, laps.time)
     FROM lap_times AS laps
     WHERE laps.time >= $__timeFrom() AND laps.time < $__timeTo()
       AND laps.lap <= now_at.lap
       AND laps.car_number = now_at.car_number) AS laps_led,
    lead_s
FROM now_at
WHERE lap IS NOT NULL
ORDER BY lap
LIMIT 1
