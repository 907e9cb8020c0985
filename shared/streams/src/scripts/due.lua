-- Timers that are due, and when the next one is (docs/protocol.md §6). Fenced; changes nothing.
--
-- KEYS  1 boot  2 owner  3 timers
-- ARGV  1 boot  2 epoch  3 nonce  4 limit

if fenced() then return { 'FENCED' } end
local now = now_ms()
local due = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, ARGV[4])
local later = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local wait = -1
if later[2] then wait = tonumber(later[2]) - now end
return { 'OK', due, wait }
