-- Makes a paused run due later (docs/protocol.md §6).
--
-- KEYS  1 boot  2 owner  3 timers  4 the timer's hash
-- ARGV  1 boot  2 epoch  3 nonce  4 timer  5 delay (ms)

if fenced() then return { 'FENCED' } end
if not redis.call('ZSCORE', KEYS[3], ARGV[4]) then return { 'OK' } end
redis.call('ZADD', KEYS[3], string.format('%.0f', now_ms() + tonumber(ARGV[5])), ARGV[4])
redis.call('HDEL', KEYS[4], 'attempts')
return { 'OK' }
