-- Settles a timer that has fired (docs/protocol.md §6).
--
-- KEYS  1 boot  2 owner  3 timers  4 timer  5 dead
-- ARGV  1 boot  2 epoch  3 nonce  4 timer id  5 seq seen when it fired
--       6 DONE, RETRY or DEAD  7 attempts so far  8 RETRY: delay (ms)
--       9 DEAD: tenant  10 dead letter  11 traceparent  12 tracestate
--
-- The gate is ZREM = 1 for the schedule that fired. If a newer version was scheduled meanwhile (another seq), that
-- schedule stays, with its attempts counted anew.

if fenced() then return { 'FENCED' } end
if redis.call('TYPE', KEYS[5]).ok ~= 'none' and redis.call('TYPE', KEYS[5]).ok ~= 'stream' then
  error('WRONGTYPE stream expected')
end
local score = redis.call('ZSCORE', KEYS[3], ARGV[4])
local seq = redis.call('HGET', KEYS[4], 'seq')
if not score or not seq then return { 'ALREADY' } end
-- Settled before, and made anew since: this one is another timer.
if string.match(seq, '^(.-)/') ~= string.match(ARGV[5], '^(.-)/') then return { 'ALREADY' } end

local now = now_ms()
if ARGV[6] == 'RETRY' then
  redis.call('HSET', KEYS[4], 'attempts', ARGV[7])
  redis.call('ZADD', KEYS[3], string.format('%.0f', now + tonumber(ARGV[8])), ARGV[4])
  return { 'OK' }
end
if seq == ARGV[5] then
  if redis.call('ZREM', KEYS[3], ARGV[4]) ~= 1 then return { 'ALREADY' } end
  redis.call('DEL', KEYS[4])
else
  if redis.call('HGET', KEYS[4], 'settled') == ARGV[5] then return { 'ALREADY' } end
  redis.call('HSET', KEYS[4], 'settled', ARGV[5], 'attempts', '0', 'first', string.format('%.0f', now), 'links', '')
end
if ARGV[6] == 'DEAD' then
  redis.call('XADD', KEYS[5], '*', 'data', ARGV[10], 'tenant', ARGV[9],
    'traceparent', ARGV[11], 'tracestate', ARGV[12])
end
return { 'OK' }
