-- Says that a process of a stage is alive, and counts those that are (docs/protocol.md §3).
--
-- KEYS  1 live
-- ARGV  1 instance  2 life (ms); 0 takes it off the list

local now = now_ms()
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if tonumber(ARGV[2]) > 0 then
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
else
  redis.call('ZREM', KEYS[1], ARGV[1])
end
return { redis.call('ZCARD', KEYS[1]) }
