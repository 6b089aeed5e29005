-- Why a trace is no longer here.
SELECT reason, max(gone_ns) AS at_ns
FROM gone_traces
WHERE trace_hash = sipHash64({project:String}, {trace_id:String})
GROUP BY reason
ORDER BY reason = 'erased' DESC, at_ns DESC
LIMIT 1
