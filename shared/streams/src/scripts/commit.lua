-- Finishes what an owner has in hand, an entry or a timer: all of its effects, once (docs/protocol.md §6).
--
-- KEYS  1 boot  2 owner  3 the entry's stream, or the timer's hash  4 changes  5 forward  6 dead  7 timers
--       8 paused runs of the profile, then those of the effects
-- ARGV  1 boot  2 epoch  3 nonce  4 group; '' for a timer  5 entry or timer
--       6 the type that no paused run of the profile may wait for; '' where they were looked at  7 number of effects, then
--   C  field ('profile' or 'session'), id, tenant, cause, change set, traceparent, tracestate       KEY pending
--   M  tenant, cause, change set without changes: says in `changes` that the cause was handled
--   F  event id, profile, tenant, derived event, traceparent, tracestate
--   D  tenant, dead letter, traceparent, tracestate
--   S  entry, state, outcome, what to announce or '', life (ms)                           KEYS seen, channel
--   T  timer, quiet (ms), longest (ms), version, traceparent, tracestate, pairs                      KEY timer
--   P  timer, delay (ms), awaited types, traceparent, tracestate, pairs                     KEYS timer, paused
--   R  timer                                                                                KEYS timer, paused
--   V  timer, traceparent, tracestate, pairs                                 KEYS timer, the dispatcher's timers
--   J  nothing                                                                                     KEY journal
--
-- The fence says who may; XACK = 1, or ZREM = 1, says that it happens once: a repeat after a lost reply finds 0 and writes
-- nothing.

local gate, group, finished, unlooked = KEYS[3], ARGV[4], ARGV[5], ARGV[6]
local changes, forward, dead, timers, paused_here = KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local of_timer = group == ''

local function expect(key, kind)
  local found = redis.call('TYPE', key).ok
  if found ~= 'none' and found ~= kind then error('WRONGTYPE ' .. kind .. ' expected') end
end

local argument, key = 8, 9
local function take() argument = argument + 1 return ARGV[argument - 1] end
local function named(kind)
  key = key + 1
  if kind then expect(KEYS[key - 1], kind) end
  return KEYS[key - 1]
end
local function take_pairs()
  local pairs = {}
  for n = 1, tonumber(take()) * 2 do pairs[n] = take() end
  return pairs
end

expect(gate, of_timer and 'hash' or 'stream')
for _, stream in ipairs({ changes, forward, dead }) do expect(stream, 'stream') end
expect(timers, 'zset')
expect(paused_here, 'hash')
local effects, gone = {}, false
for n = 1, tonumber(ARGV[7]) do
  local e = { what = take() }
  if e.what == 'C' then
    e.field, e.id, e.tenant, e.cause, e.blob, e.traceparent, e.tracestate =
      take(), take(), take(), take(), take(), take(), take()
    e.key = named('list')
  elseif e.what == 'M' then
    e.tenant, e.cause, e.blob = take(), take(), take()
  elseif e.what == 'F' then
    e.event, e.profile, e.tenant, e.blob, e.traceparent, e.tracestate = take(), take(), take(), take(), take(), take()
  elseif e.what == 'D' then
    e.tenant, e.blob, e.traceparent, e.tracestate = take(), take(), take(), take()
  elseif e.what == 'S' then
    e.entry, e.state, e.outcome, e.announced, e.life = take(), take(), take(), take(), take()
    e.key, e.channel = named('string'), named()
  elseif e.what == 'T' then
    e.timer, e.quiet, e.longest, e.version = take(), tonumber(take()), tonumber(take()), take()
    e.traceparent, e.tracestate, e.pairs = take(), take(), take_pairs()
    e.key = named('hash')
  elseif e.what == 'P' then
    e.timer, e.delay, e.awaits, e.traceparent, e.tracestate, e.pairs =
      take(), tonumber(take()), take(), take(), take(), take_pairs()
    e.key, e.paused = named('hash'), named('hash')
  elseif e.what == 'R' then
    e.timer = take()
    e.key, e.paused = named('hash'), named('hash')
    gone = gone or not redis.call('ZSCORE', timers, e.timer)
  elseif e.what == 'V' then
    e.timer, e.traceparent, e.tracestate, e.pairs = take(), take(), take(), take_pairs()
    e.key, e.timers = named('hash'), named('zset')
  elseif e.what == 'J' then
    e.key = named()
  else
    error('an effect that commit does not know')
  end
  effects[n] = e
end

if fenced() then return { 'FENCED' } end

-- Somebody waits for this type, and the caller does not know. It may be the run that this very commit paused, whose reply
-- was lost: then it is finished, and nothing else is to be done.
local function waited_for()
  if unlooked == '' then return false end
  for _, listed in ipairs(redis.call('HVALS', paused_here)) do
    if string.find(listed, '\n' .. unlooked .. '\n', 1, true) then return true end
  end
  return false
end
local function is_unfinished()
  if of_timer then return redis.call('ZSCORE', timers, finished) end
  return #redis.call('XPENDING', gate, group, finished, finished, 1) > 0
end
if (gone or waited_for()) and is_unfinished() then return { 'WAITERS' } end

if of_timer then
  if redis.call('ZREM', timers, finished) ~= 1 then return { 'ALREADY' } end
  redis.call('DEL', gate)
  redis.call('HDEL', paused_here, finished)
elseif redis.call('XACK', gate, group, finished) ~= 1 then
  return { 'ALREADY' }
end

-- From here on nothing can fail.
local now = now_ms()
local function write_pairs(e)
  if #e.pairs > 0 then redis.call('HSET', e.key, unpack(e.pairs)) end
end

-- The last change of a profile that is written here; and the profile's version with it, as far as that is known.
local version, reached = '0-0', '0-0'
local write = {}

function write.C(e)
  local id = redis.call('XADD', changes, '*', 'data', e.blob, 'tenant', e.tenant, e.field, e.id, 'cause', e.cause,
    'traceparent', e.traceparent, 'tracestate', e.tracestate)
  redis.call('RPUSH', e.key, id .. ' ' .. e.blob)
  if e.field == 'profile' then version = id end
end

function write.M(e)
  redis.call('XADD', changes, '*', 'data', e.blob, 'tenant', e.tenant, 'cause', e.cause)
end

function write.F(e)
  redis.call('XADD', forward, '*', 'data', e.blob, 'tenant', e.tenant, 'event_id', e.event, 'profile', e.profile,
    'traceparent', e.traceparent, 'tracestate', e.tracestate)
end

function write.D(e)
  redis.call('XADD', dead, '*', 'data', e.blob, 'tenant', e.tenant,
    'traceparent', e.traceparent, 'tracestate', e.tracestate)
end

-- A quiet period that restarts with each version, and a longest wait that does not. While attempts fail, the retry's
-- time stands: news must not hurry a destination that is in trouble. A schedule is named by the entry that made the timer
-- and the one that it came from itself: a count would begin anew once the timer is gone, and a settlement sent again would
-- hit the next timer of that id.
function write.T(e)
  local old = redis.call('HMGET', e.key, 'version', 'first', 'attempts', 'traceparent', 'links', 'seq')
  if old[1] and not less(old[1], e.version) then return end
  local first = tonumber(old[2] or '') or now
  if not (old[3] and tonumber(old[3]) > 0) then
    local due = math.min(now + e.quiet, first + e.longest)
    redis.call('ZADD', timers, string.format('%.0f', due), e.timer)
  end
  write_pairs(e)
  local links = old[5] or ''
  if old[4] and old[4] ~= '' and old[4] ~= e.traceparent and #links < 32 * 56 then links = links .. ' ' .. old[4] end
  local made_by = string.match(old[6] or '', '^(.-)/') or finished
  redis.call('HSET', e.key, 'version', e.version, 'first', string.format('%.0f', first), 'seq', made_by .. '/' .. finished,
    'traceparent', e.traceparent, 'tracestate', e.tracestate, 'links', links)
end

-- Behind all that are paused already: the one that paused first goes on first.
function write.P(e)
  local place = 0
  for _, listed in ipairs(redis.call('HVALS', e.paused)) do
    place = math.max(place, tonumber(string.match(listed, '^%d+')) or 0)
  end
  redis.call('DEL', e.key)
  write_pairs(e)
  redis.call('HSET', e.key, 'traceparent', e.traceparent, 'tracestate', e.tracestate)
  redis.call('ZADD', timers, string.format('%.0f', now + e.delay), e.timer)
  redis.call('HSET', e.paused, e.timer, string.format('%.0f', place + 1) .. e.awaits)
end

function write.R(e)
  redis.call('ZREM', timers, e.timer)
  redis.call('DEL', e.key)
  redis.call('HDEL', e.paused, e.timer)
end

-- What a debounce would leave, due now. One that is there already is under way. Its version is the one that whoever waits for
-- the event waits for: what an earlier event of the same id sent is older.
function write.V(e)
  if redis.call('EXISTS', e.key) == 1 then return end
  local first = string.format('%.0f', now)
  redis.call('ZADD', e.timers, first, e.timer)
  write_pairs(e)
  redis.call('HSET', e.key, 'version', reached, 'first', first, 'seq', finished .. '/' .. finished,
    'traceparent', e.traceparent, 'tracestate', e.tracestate, 'links', '')
end

function write.J(e)
  redis.call('DEL', e.key)
end

-- An event that changed nothing more leaves the version that its append wrote: whoever waits for what it changed waits for
-- that one.
function write.S(e)
  local entry, _, before = string.match(redis.call('GETRANGE', e.key, 0, 127), '^(%S+) (%S+) ?(%S*)')
  if entry and entry ~= e.entry then return end
  if reached == '0-0' and before and before ~= '' then reached = before end
  local seen = e.entry .. ' ' .. e.state .. ' ' .. reached
  if e.outcome ~= '' then seen = seen .. ' ' .. e.outcome end
  redis.call('SET', e.key, seen, 'PX', e.life)
  -- A hint: a server that refuses it must not undo the rest.
  if e.announced ~= '' then redis.pcall('SPUBLISH', e.channel, e.announced) end
end

-- What went on is taken off before anything is written: a pause that this commit makes is never what it takes off. Ends name the
-- version, so all changes come before them; and deliveries name what the end does.
local turns = { R = 1, S = 3, V = 4 }
for turn = 1, 4 do
  for _, e in ipairs(effects) do
    if (turns[e.what] or 2) == turn then write[e.what](e) end
  end
  if turn == 2 then reached = version end
end
return { 'OK', version }
