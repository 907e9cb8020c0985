-- Takes a partition whose lease has ended (docs/protocol.md §3).
--
-- KEYS  1 owner
-- ARGV  1 nonce  2 least epoch  3 lease (ms)
-- The nonce is random per acquisition: should Redis lose its last second, an epoch can come twice, the pair cannot.

local now = now_ms()
local held = redis.call('HMGET', KEYS[1], 'epoch', 'until')
if held[2] and tonumber(held[2]) > now then return { 'HELD' } end
local epoch = math.max(tonumber(held[1] or '0') or 0, tonumber(ARGV[2])) + 1
redis.call('HSET', KEYS[1], 'epoch', string.format('%.0f', epoch), 'nonce', ARGV[1],
  'until', string.format('%.0f', now + tonumber(ARGV[3])))
return { 'OK', string.format('%.0f', epoch) }
