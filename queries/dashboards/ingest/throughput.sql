-- title: Bytes on the wire
-- shows: Megabytes a second that the server acknowledged, and requests in flight.
-- look: 120 bytes a row, which is 74 MB a second at 612,000 rows (the published text says 92). Requests pile up where the server is slow.
SELECT
    time,
    sent_mb_s,
    requests_in_flight
FROM pipeline_metrics
WHERE time >= $__timeFrom() AND time < $__timeTo()
ORDER BY time DESC
LIMIT 4000
