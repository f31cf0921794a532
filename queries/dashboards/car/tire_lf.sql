-- title: Left front tire
-- shows: Surface temperature and pressure of the left front tire now, and how much of its rubber was worn at the last line crossing.
-- look: a cooler tire than on the right, because the load of the left-hand turns is there.
-- window: 5m
-- with: tires
SELECT live.lf_temp_f, live.lf_pressure_psi, worn.lf_wear_pct
FROM live
INNER JOIN worn ON TRUE
ORDER BY 1
LIMIT 1
