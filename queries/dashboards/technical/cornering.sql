-- title: Cornering g by car and turn
-- shows: The most lateral g of every car in each turn over the last half minute, in means of a tenth of a second.
-- look: a car that is strong at one end of the oval and weak at the other, and almost no g for anybody under caution.
-- window: 30s
SELECT
    force.car_number,
    ANY_VALUE(place.driver) AS driver,
    ROUND(MAX(force.lateral_g) FILTER (WHERE place.turn = 1), 2) AS turn_1_g,
    ROUND(MAX(force.lateral_g) FILTER (WHERE place.turn = 2), 2) AS turn_2_g,
    ROUND(MAX(force.lateral_g) FILTER (WHERE place.turn = 3), 2) AS turn_3_g,
    ROUND(MAX(force.lateral_g) FILTER (WHERE place.turn = 4), 2) AS turn_4_g
FROM (
    SELECT car_number, epoch_us(time) // 100000 AS tenth, AVG(lateral_g) AS lateral_g
    FROM chassis_telemetry
    WHERE time >= $__timeFrom() AND time < $__timeTo()
    GROUP BY 1, 2
) AS force
INNER JOIN (
    SELECT car_number, driver, turn, epoch_us(time) // 100000 AS tenth
    FROM track_position
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND turn > 0
) AS place ON place.car_number = force.car_number AND place.tenth = force.tenth
GROUP BY force.car_number
ORDER BY MAX(force.lateral_g) DESC, force.car_number
LIMIT 40
