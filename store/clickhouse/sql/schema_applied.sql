-- Note that a schema file was applied to the end.
INSERT INTO schema_version (version, name) VALUES ({version:UInt32}, {name:String})
