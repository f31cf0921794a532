-- title: The latest from race control
-- shows: The newest thing that a commentator would say.
-- look: the sentence changes with the race: a pass for the lead, a spin, a yellow flag and its reason.
SELECT
    text
FROM race_events
WHERE time >= $__timeFrom() AND time < $__timeTo()
  AND kind IN ('flag', 'caution', 'incident', 'retired', 'lead', 'stage', 'fastest_lap', 'finish', 'command')
ORDER BY time DESC
LIMIT 1
