-- title: Right front tire
-- shows: Surface temperature and pressure of the right front tire now, and how much of its rubber was worn at the last line crossing.
-- look: the hottest of the four, and the first to wear out.
-- window: 5m
-- with: tires
SELECT live.rf_temp_f, live.rf_pressure_psi, worn.rf_wear_pct
FROM live
INNER JOIN worn ON TRUE
ORDER BY 1
LIMIT 1
