-- title: Running order, places 1 to 20
-- shows: The front half of the field in running order: gap to the leader, last and best lap, pit stops and the age of the tires.
-- look: the gaps: below a second is a fight, old tires against new ones decide how it ends.
-- with: running_order
SELECT
    position, car_number, manufacturer, driver, team, gap_s, last_lap_s, best_lap_s, stops, tire_age_laps
FROM running_order
WHERE position <= 20
ORDER BY position
LIMIT 20
