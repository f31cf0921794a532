-- title: Running order, from place 21
-- shows: The rest of the field in running order: gap to the leader, last and best lap, pit stops and the age of the tires.
-- look: gaps of a lap time and more are cars that have been lapped, a gap that grows without end is a car that stands.
-- with: running_order
SELECT
    position, car_number, manufacturer, driver, team, gap_s, last_lap_s, best_lap_s, stops, tire_age_laps
FROM running_order
WHERE position > 20
ORDER BY position
LIMIT 60
