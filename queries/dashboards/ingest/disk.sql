-- title: Disk of the server
-- shows: Megabytes a second that the server writes and reads, and the size of its data.
-- look: about ten megabytes a second for the whole race, because rows are stored by column and compressed.
SELECT
    time,
    server_write_mb_s,
    server_read_mb_s,
    server_disk_mb
FROM pipeline_metrics
WHERE time >= $__timeFrom() AND time < $__timeTo()
  AND NOT isnan(server_disk_mb)
ORDER BY time DESC
LIMIT 4000
