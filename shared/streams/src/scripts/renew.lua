-- Extends or ends a lease, if it is still the caller's (docs/protocol.md §3).
--
-- KEYS  1 owner
-- ARGV  1 epoch  2 nonce  3 lease (ms); 0 gives it up

local held = redis.call('HMGET', KEYS[1], 'epoch', 'nonce')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then return { 'FENCED' } end
local now = now_ms()
redis.call('HSET', KEYS[1], 'until', string.format('%.0f', now + tonumber(ARGV[3])))
return { 'OK' }
