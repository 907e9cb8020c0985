-- Finishes a read entry: all of its effects, once (docs/protocol.md §6).
--
-- KEYS  1 boot  2 owner  3 the entry's stream  4 changes  5 forward  6 dead  7 timers, then one for each C, S and T
-- ARGV  1 boot  2 epoch  3 nonce  4 group  5 entry  6 number of effects, then the effects:
--   C  field ('profile' or 'session'), id, tenant, cause, change set, traceparent, tracestate      KEY pending
--   M  tenant, cause, change set without changes: says in `changes` that the cause was handled
--   F  event id, profile, tenant, derived event, traceparent, tracestate
--   D  tenant, dead letter, traceparent, tracestate
--   S  entry, state, life (ms)                                                                      KEY seen
--   T  timer, quiet (ms), longest (ms), version, traceparent, tracestate, number of pairs, pairs    KEY timer
--
-- The fence says who may; XACK = 1 says that it happens once: a repeat after a lost reply finds 0 and writes nothing.

local function expect(key, kind)
  local found = redis.call('TYPE', key).ok
  if found ~= 'none' and found ~= kind then error('WRONGTYPE ' .. kind .. ' expected') end
end

local argument, key = 7, 8
local function take() argument = argument + 1 return ARGV[argument - 1] end
local function named() key = key + 1 return KEYS[key - 1] end

for k = 3, 6 do expect(KEYS[k], 'stream') end
expect(KEYS[7], 'zset')
local effects = {}
for n = 1, tonumber(ARGV[6]) do
  local e = { what = take() }
  if e.what == 'C' then
    e.field, e.id, e.tenant, e.cause, e.blob, e.traceparent, e.tracestate =
      take(), take(), take(), take(), take(), take(), take()
    e.key = named()
    expect(e.key, 'list')
  elseif e.what == 'M' then
    e.tenant, e.cause, e.blob = take(), take(), take()
  elseif e.what == 'F' then
    e.event, e.profile, e.tenant, e.blob, e.traceparent, e.tracestate = take(), take(), take(), take(), take(), take()
  elseif e.what == 'D' then
    e.tenant, e.blob, e.traceparent, e.tracestate = take(), take(), take(), take()
  elseif e.what == 'S' then
    e.entry, e.state, e.life = take(), take(), take()
    e.key = named()
    expect(e.key, 'string')
  elseif e.what == 'T' then
    e.timer, e.quiet, e.longest, e.version = take(), tonumber(take()), tonumber(take()), take()
    e.traceparent, e.tracestate, e.pairs = take(), take(), {}
    for pair = 1, tonumber(take()) * 2 do e.pairs[pair] = take() end
    e.key = named()
    expect(e.key, 'hash')
  else
    error('an effect that commit does not know')
  end
  effects[n] = e
end

if fenced() then return { 'FENCED' } end
if redis.call('XACK', KEYS[3], ARGV[4], ARGV[5]) ~= 1 then return { 'ALREADY' } end

local now = now_ms()

-- A quiet period that restarts with each version, and a longest wait that does not. While attempts fail, the retry's
-- time stands: news must not hurry a destination that is in trouble. A schedule is named by the entry that made the timer
-- and the one that it came from itself: a count would begin anew once the timer is gone, and a settlement sent again would
-- hit the next timer of that id.
local function schedule(e)
  local old = redis.call('HMGET', e.key, 'version', 'first', 'attempts', 'traceparent', 'links', 'seq')
  if old[1] and not less(old[1], e.version) then return end
  local first = tonumber(old[2] or '') or now
  if not (old[3] and tonumber(old[3]) > 0) then
    local due = math.min(now + e.quiet, first + e.longest)
    redis.call('ZADD', KEYS[7], string.format('%.0f', due), e.timer)
  end
  if #e.pairs > 0 then redis.call('HSET', e.key, unpack(e.pairs)) end
  local links = old[5] or ''
  if old[4] and old[4] ~= '' and old[4] ~= e.traceparent and #links < 32 * 56 then links = links .. ' ' .. old[4] end
  local made_by = string.match(old[6] or '', '^(.-)/') or ARGV[5]
  redis.call('HSET', e.key, 'version', e.version, 'first', string.format('%.0f', first), 'seq', made_by .. '/' .. ARGV[5],
    'traceparent', e.traceparent, 'tracestate', e.tracestate, 'links', links)
end

local last = ''
for _, e in ipairs(effects) do
  if e.what == 'C' then
    last = redis.call('XADD', KEYS[4], '*', 'data', e.blob, 'tenant', e.tenant, e.field, e.id, 'cause', e.cause,
      'traceparent', e.traceparent, 'tracestate', e.tracestate)
    redis.call('RPUSH', e.key, last .. ' ' .. e.blob)
  elseif e.what == 'M' then
    redis.call('XADD', KEYS[4], '*', 'data', e.blob, 'tenant', e.tenant, 'cause', e.cause)
  elseif e.what == 'F' then
    redis.call('XADD', KEYS[5], '*', 'data', e.blob, 'tenant', e.tenant, 'event_id', e.event, 'profile', e.profile,
      'traceparent', e.traceparent, 'tracestate', e.tracestate)
  elseif e.what == 'D' then
    redis.call('XADD', KEYS[6], '*', 'data', e.blob, 'tenant', e.tenant,
      'traceparent', e.traceparent, 'tracestate', e.tracestate)
  elseif e.what == 'S' then
    local seen = redis.call('GET', e.key)
    if not seen or string.sub(seen, 1, #e.entry + 1) == e.entry .. ' ' then
      redis.call('SET', e.key, e.entry .. ' ' .. e.state, 'PX', e.life)
    end
  else
    schedule(e)
  end
end
return { 'OK', last }
