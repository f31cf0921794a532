-- title: Left rear tire
-- shows: Surface temperature and pressure of the left rear tire now, and how much of its rubber was worn at the last line crossing.
-- look: the coolest and least worn of the four.
-- window: 5m
-- with: tires
SELECT live.lr_temp_f, live.lr_pressure_psi, worn.lr_wear_pct
FROM live
INNER JOIN worn ON TRUE
ORDER BY 1
LIMIT 1
