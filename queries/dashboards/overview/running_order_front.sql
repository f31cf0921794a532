-- title: Running order, places 1 to 20
-- shows: The front half of the field in running order: gap to the leader, last and best lap, pit stops and the age of the tires.
-- look: the gaps: below a second is a fight, old tires against new ones decide how it ends.
WITH places AS (
    SELECT
        car_number,
        arg_max(position, time) AS position,
        arg_max(driver, time) AS driver,
        arg_max(team, time) AS team,
        arg_max(manufacturer, time) AS manufacturer,
        arg_max(gap_s, time) AS gap_s,
        MAX(lap) AS lap
    FROM track_position
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND time >= (
          SELECT MAX(time) - INTERVAL '5 seconds'
          FROM track_position
          WHERE time >= $__timeFrom() AND time < $__timeTo()
      )
    GROUP BY car_number
), laps AS (
    SELECT
        car_number,
        arg_max(lap_time_s, time) AS last_lap_s,
        arg_max(best_lap_s, time) AS best_lap_s,
        arg_max(stops, time) AS stops,
        arg_max(tire_age_laps, time) AS tire_age_laps
    FROM lap_times
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND lap <= (SELECT MAX(lap) FROM places)
    GROUP BY car_number
)
-- A car without a lap in the window is there all the same: two lists put together, not joined.
SELECT
    MAX(position) AS position,
    car_number,
    MAX(manufacturer) AS manufacturer,
    MAX(driver) AS driver,
    MAX(team) AS team,
    MAX(gap_s) AS gap_s,
    MAX(last_lap_s) AS last_lap_s,
    MAX(best_lap_s) AS best_lap_s,
    MAX(stops) AS stops,
    MAX(tire_age_laps) AS tire_age_laps
FROM (
    SELECT car_number, position, driver, team, manufacturer, gap_s,
           NULL AS last_lap_s, NULL AS best_lap_s, NULL AS stops, NULL AS tire_age_laps
    FROM places
    WHERE position <= 20
    UNION ALL
    SELECT car_number, NULL, NULL, NULL, NULL, NULL, last_lap_s, best_lap_s, stops, tire_age_laps
    FROM laps
) AS both_lists
GROUP BY car_number
HAVING MAX(position) IS NOT NULL
ORDER BY position
LIMIT 20
