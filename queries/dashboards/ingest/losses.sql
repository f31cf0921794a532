-- title: Late, missed and failed rows
-- shows: Rows since the start that left more than a tenth of a second late, that never reached the server, and that it did not acknowledge.
-- look: late rows are late and stored all the same. Missed and failed rows are not.
SELECT
    time,
    late_rows,
    missed_rows,
    failed_rows
FROM pipeline_metrics
WHERE time >= $__timeFrom() AND time < $__timeTo()
ORDER BY time DESC
LIMIT 4000
