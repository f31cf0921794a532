-- title: Right rear tire
-- shows: Surface temperature and pressure of the right rear tire now, and how much of its rubber was worn at the last line crossing.
-- look: heat when the rear slides: this tire drives the car off the turns.
-- window: 5m
-- with: tires
SELECT live.rr_temp_f, live.rr_pressure_psi, worn.rr_wear_pct
FROM live
INNER JOIN worn ON TRUE
ORDER BY 1
LIMIT 1
