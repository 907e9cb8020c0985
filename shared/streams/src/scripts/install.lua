-- Installs a snapshot loaded from Postgres, unless a newer one is there or the slot has moved on (docs/protocol.md §5).
--
-- KEYS  1 boot  2 trimmed  3 snapshot  4 pending
-- ARGV  1 boot  2 stamp  3 version  4 state  5 life (ms)
-- STALE: pending entries above the stamp were removed already, so the row read lacks them: read Postgres again.

local trimmed = redis.call('GET', KEYS[2])
local found = redis.call('HMGET', KEYS[3], 'upto', 'version', 'state')
local pending = redis.call('LRANGE', KEYS[4], 0, -1)
if found[1] and not less(found[1], ARGV[2]) then
  return { 'OK', found[1], found[2], found[3], pending }
end
if trimmed and less(ARGV[2], trimmed) then return { 'STALE' } end
-- A Redis without memory answers all the same; it only keeps nothing.
local kept = redis.pcall('HSET', KEYS[3], 'upto', ARGV[2], 'version', ARGV[3], 'state', ARGV[4])
if type(kept) == 'number' then redis.call('PEXPIRE', KEYS[3], ARGV[5]) end
return { 'OK', ARGV[2], ARGV[3], ARGV[4], pending }
