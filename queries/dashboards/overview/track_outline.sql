-- title: Outline of the track
-- shows: The line that the field drove on its last lap, a point every ten metres.
-- look: two corners that are not drawn keep the map in its true proportions.
WITH line AS (
    SELECT
        floor(lap_distance_m / 10) AS cell,
        AVG(x_m) AS x_m,
        AVG(y_m) AS y_m
    FROM track_position
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND time >= (
          SELECT MAX(time) - INTERVAL '120 seconds'
          FROM track_position
          WHERE time >= $__timeFrom() AND time < $__timeTo()
      )
      AND in_pit = 0
      AND speed_mph > 30
    GROUP BY 1
), size AS (
    -- The panel is three times as wide as it is high.
    SELECT
        (MIN(x_m) + MAX(x_m)) / 2 AS middle_x_m,
        (MIN(y_m) + MAX(y_m)) / 2 AS middle_y_m,
        greatest(MAX(y_m) - MIN(y_m), (MAX(x_m) - MIN(x_m)) / 3, 1) * 0.55 AS half_m
    FROM line
)
SELECT
    line.x_m AS line_x_m,
    line.y_m AS line_y_m,
    size.middle_x_m + 3 * size.half_m * CASE WHEN line.cell % 2 = 0 THEN 1 ELSE -1 END AS corner_x_m,
    size.middle_y_m + size.half_m * CASE WHEN line.cell % 2 = 0 THEN 1 ELSE -1 END AS corner_y_m
FROM line
INNER JOIN size ON TRUE
ORDER BY line.cell
LIMIT 2000
