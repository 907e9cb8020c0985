-- Creates a consumer group where it is missing, at the stream's beginning (docs/protocol.md §6).
--
-- KEYS  1 stream
-- ARGV  1 group
-- A script, since the plain command is refused while memory is short, even where the group is there already.

local created = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
if created.err and not string.find(created.err, '^BUSYGROUP') then return created end
return { 'OK' }
