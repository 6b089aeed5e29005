-- Where every part in use lies, and how many bytes the engine believes it has.
SELECT table, name, path, bytes_on_disk AS bytes
FROM system.parts
WHERE active AND database = currentDatabase()
