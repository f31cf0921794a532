-- title: Answers to the eight questions
-- shows: How long the server took for each of the eight questions, asked in turn while it takes in the rows.
-- look: all below a second, the whole time. The questions that read the most rows are on top.
SELECT
    time,
    question_1_ms,
    question_2_ms,
    question_3_ms,
    question_4_ms,
    question_5_ms,
    question_6_ms,
    question_7_ms,
    question_8_ms
FROM pipeline_metrics
WHERE time >= $__timeFrom() AND time < $__timeTo()
  AND NOT isnan(least(question_1_ms, question_2_ms, question_3_ms, question_4_ms, question_5_ms, question_6_ms, question_7_ms, question_8_ms))
ORDER BY time DESC
LIMIT 4000
