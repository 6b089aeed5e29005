-- Whether a step is a tool call that ran, as limits count them; a part of other statements.
(kind = 'tool' AND counted AND tool_name != '' AND tool_outcome NOT IN ('denied', 'approval_pending', 'not_executed'))
