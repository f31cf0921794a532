-- title: Rows lost
-- shows: Rows that never reached the server or that it did not acknowledge, since the stream began.
-- look: zero, and green. Anything else is red, and the ledger at the end says which rows.
SELECT
    missed_rows + failed_rows AS lost_rows
FROM pipeline_metrics
WHERE time >= $__timeFrom() AND time < $__timeTo()
ORDER BY time DESC
LIMIT 1
