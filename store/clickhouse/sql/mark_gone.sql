-- Remember that traces of one day are gone, unless another day still has them.
INSERT INTO gone_traces (trace_hash, reason, gone_ns)
SELECT DISTINCT sipHash64(project, trace_id), {reason:String}, {now_ns:UInt64}
FROM facts
WHERE received_day = {day:Date} AND (project, trace_id) NOT IN (SELECT project, trace_id FROM survivors)
