-- title: Flags and cautions
-- shows: Every flag that was shown, and why the yellow ones were.
-- look: what the field does right after a yellow: speed falls, and the pits fill.
SELECT
    time,
    text,
    kind AS tags
FROM race_events
WHERE time >= $__timeFrom() AND time < $__timeTo()
  AND kind IN ('flag', 'caution')
ORDER BY time DESC
LIMIT 100
