-- title: Files of the server
-- shows: Files in the data folder of the server.
-- look: a saw where old files are removed. Questions slow down with thousands of files.
SELECT
    time,
    server_files
FROM pipeline_metrics
WHERE time >= $__timeFrom() AND time < $__timeTo()
  AND NOT isnan(server_files)
ORDER BY time DESC
LIMIT 4000
