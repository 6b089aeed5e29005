-- Pinned runs, before their traces are known.
INSERT INTO survivors (project, run_id, trace_id)
SELECT pin.1, pin.2, '' FROM (SELECT arrayJoin({pins:Array(Tuple(String, String))}) AS pin)
