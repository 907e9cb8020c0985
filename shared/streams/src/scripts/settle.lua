-- Settles a timer that has fired (docs/protocol.md §6).
--
-- KEYS  1 boot  2 owner  3 timers  4 timer  5 dead
-- ARGV  1 boot  2 epoch  3 nonce  4 timer id  5 seq seen when it fired
--       6 DONE, RETRY or DEAD, then
--   RETRY  attempts so far, delay (ms)
--   DEAD   tenant, dead letter, traceparent, tracestate
-- KEY 6, and after DONE and DEAD what its waiters find: name, version, life (ms)                    delivered
--
-- The gate is ZREM = 1 for the schedule that fired. If a newer version was scheduled meanwhile (another seq), that
-- schedule stays, with its attempts counted anew.

if fenced() then return { 'FENCED' } end
local function expect(key, kind)
  local found = redis.call('TYPE', key).ok
  if found ~= 'none' and found ~= kind then error('WRONGTYPE ' .. kind .. ' expected') end
end
expect(KEYS[5], 'stream')
if KEYS[6] then expect(KEYS[6], 'hash') end
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
local mark = 7
if ARGV[6] == 'DEAD' then
  redis.call('XADD', KEYS[5], '*', 'data', ARGV[8], 'tenant', ARGV[7],
    'traceparent', ARGV[9], 'tracestate', ARGV[10])
  mark = 11
end

-- Direct deliveries have a name each: the oldest are dropped once there are many.
local most, fewer = 256, 192
local function forget_oldest(marks)
  local all, found = redis.call('HGETALL', marks), {}
  for n = 1, #all, 2 do found[#found + 1] = { name = all[n], at = tonumber(string.match(all[n + 1], '(%d+)$')) or 0 } end
  table.sort(found, function(a, b) return a.at < b.at end)
  for n = 1, #found - fewer do redis.call('HDEL', marks, found[n].name) end
end

if KEYS[6] then
  local name, version, life = ARGV[mark], ARGV[mark + 1], ARGV[mark + 2]
  local before, ended = string.match(redis.call('HGET', KEYS[6], name) or '0-0 NEVER', '^(%S+) (%S+)')
  if less(before, version) or (before == version and ended ~= 'DONE') then
    redis.call('HSET', KEYS[6], name, version .. ' ' .. ARGV[6] .. ' ' .. string.format('%.0f', now))
    if redis.call('HLEN', KEYS[6]) > most then forget_oldest(KEYS[6]) end
  end
  redis.call('PEXPIRE', KEYS[6], life)
end
return { 'OK' }
