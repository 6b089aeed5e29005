-- Tools that the candidate names against: all that can be denied are among them; a part of other statements.
(has({denied:Array(String)}, tool_name) OR ({has_allowed:Bool} AND NOT has({allowed:Array(String)}, tool_name)))
