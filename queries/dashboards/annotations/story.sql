-- title: Lead changes, incidents and stages
-- shows: Who took the lead, who spun or retired, who won a stage and the race.
-- look: the race told in sentences, at the places where the lines bend.
SELECT
    time,
    text,
    kind AS tags
FROM race_events
WHERE time >= $__timeFrom() AND time < $__timeTo()
  AND (kind IN ('lead', 'incident', 'retired', 'stage', 'fastest_lap', 'command')
       OR (kind = 'finish' AND text LIKE '%as number 1'))
ORDER BY time DESC
LIMIT 100
