-- Remember that traces were erased.
INSERT INTO gone_traces (trace_hash, reason, gone_ns)
SELECT sipHash64({project:String}, arrayJoin({trace_ids:Array(String)})), 'erased', {now_ns:UInt64}
