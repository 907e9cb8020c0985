-- Appends a payload's events and their changes, once (docs/protocol.md §4.3).
--
-- KEYS  1 boot  2 changes  3 events  4 alias  5 pending(profile)  6 pending(session)  7 visit  8 once(created)
--       9 snapshot(profile)  10 snapshot(session)  11… seen, one for each unit in the order of ARGV
-- ARGV  1 boot  2 not_after (ms)  3 window (ms)  4 once life (ms)  5 visit timeout (µs)  6 visit life (ms)
--       7 pending limit  8 stream limit  9 tenant  10 profile  11 session  12 may open  13 handed visit: v
--       14 opened_at  15 last  16 traceparent  17 tracestate  18 has created  19 number of events  20 foresees
--       then the units: [created]  event [visit-started] …
-- unit  event id, event, profile changes, session changes ('' without a session), what is awaited of it ('' nothing)
-- event time (µs), has visit-started, unit [, unit]
--
-- All reads come first: a key of a wrong type fails here, before anything is written. Without memory the first write is
-- refused, and with it the payload: this is the door. Scripts that finish what came in carry `allow-oom`.
--
-- Where it foresees it answers what it would, without the places of what it would write, and writes nothing.

local changes, events = KEYS[2], KEYS[3]
local window, once_life = ARGV[3], ARGV[4]
local visit_timeout, visit_life = tonumber(ARGV[5]), ARGV[6]
local tenant, profile, session = ARGV[9], ARGV[10], ARGV[11]
local may_open = ARGV[12] == '1'
local traceparent, tracestate = ARGV[16], ARGV[17]
local foresees = ARGV[20] == '1'

local argument, seen_key = 21, 11
local function take() argument = argument + 1 return ARGV[argument - 1] end
local function unit()
  local u = { id = take(), event = take(), profile = take(), session = take(), awaited = take(),
    seen = KEYS[seen_key] }
  seen_key = seen_key + 1
  return u
end

local now = now_ms()
if now > tonumber(ARGV[2]) then return { 'EXPIRED' } end

local pending_length = math.max(redis.call('LLEN', KEYS[5]), redis.call('LLEN', KEYS[6]))
local stream_length = math.max(redis.call('XLEN', changes), redis.call('XLEN', events))
local alias = redis.call('HMGET', KEYS[4], 'to', 'state')
local visit = redis.call('HMGET', KEYS[7], 'v', 'opened_at', 'last')
local created_before = redis.call('GET', KEYS[8])

-- The versions that this append follows on: who read an older one reads again.
local function version_of(pending, snapshot)
  local last = redis.call('LINDEX', pending, -1)
  if last then return string.match(last, '^(%S+) ') end
  return redis.call('HGET', snapshot, 'version') or '0-0'
end
local followed = version_of(KEYS[5], KEYS[9])
local followed_session = session ~= '' and version_of(KEYS[6], KEYS[10]) or '0-0'

local created
if ARGV[18] == '1' then created = unit() end
local payload, fresh, new = {}, {}, 0
for n = 1, tonumber(ARGV[19]) do
  local time, has_visit = tonumber(take()), take() == '1'
  local e = unit()
  e.time = time
  if has_visit then e.visit = unit() end
  -- Its front: the outcome of an event that ended is none of our business.
  e.known = redis.call('GETRANGE', e.seen, 0, 127)
  if e.known == '' and not fresh[e.seen] then
    fresh[e.seen] = e
    e.new = true
    new = new + 1
  end
  payload[n] = e
end

if new > 0 then
  if alias[1] then
    local name = 'ALIAS'
    if alias[2] ~= 'DONE' then name = 'MERGING' end
    return { name, alias[1], visit[1], visit[2], visit[3] }
  end
  if pending_length >= tonumber(ARGV[7]) then return { 'FULL', 'pending' } end
  if stream_length >= tonumber(ARGV[8]) then return { 'FULL', 'stream' } end
end

-- The visit handed on from a slot on the way here counts if it is the later one.
local v, opened_at, last = visit[1], visit[2], tonumber(visit[3] or '')
if ARGV[13] ~= '' and (not last or tonumber(ARGV[15]) > last) then
  v, opened_at, last = ARGV[13], ARGV[14], tonumber(ARGV[15])
end

-- From here on nothing can fail.
local function write(u)
  if foresees then
    u.known = '0-0 WAITING 0-0'
    return '0-0', '0-0', '0-0'
  end
  local cause = u.id .. '/1'
  local change = redis.call('XADD', changes, '*', 'data', u.profile, 'tenant', tenant, 'profile', profile,
    'cause', cause, 'traceparent', traceparent, 'tracestate', tracestate)
  local version = change
  redis.call('RPUSH', KEYS[5], change .. ' ' .. u.profile)
  if u.session ~= '' then
    change = redis.call('XADD', changes, '*', 'data', u.session, 'tenant', tenant, 'session', session,
      'cause', cause, 'traceparent', traceparent, 'tracestate', tracestate)
    redis.call('RPUSH', KEYS[6], change .. ' ' .. u.session)
  end
  local fields = { 'data', u.event, 'tenant', tenant, 'event_id', u.id, 'profile', profile, 'change', change,
    'traceparent', traceparent, 'tracestate', tracestate }
  if u.awaited ~= '' then
    fields[#fields + 1] = 'awaited'
    fields[#fields + 1] = u.awaited
  end
  local entry = redis.call('XADD', events, '*', unpack(fields))
  u.known = entry .. ' WAITING ' .. version
  redis.call('SET', u.seen, u.known, 'PX', window)
  return entry, version, change
end

local reply = { 'OK', followed, followed_session }
for n, e in ipairs(payload) do
  if e.new then
    local wrote_created, wrote_visit = 0, 0
    if created and not created_before then
      write(created)
      if not foresees then redis.call('SET', KEYS[8], created.id, 'PX', once_life) end
      created_before, wrote_created = true, 1
    end
    if session ~= '' then
      if may_open and e.visit and (not last or e.time > last + visit_timeout) then
        v, opened_at = e.id, string.format('%.0f', e.time)
        write(e.visit)
        wrote_visit = 1
      end
      if not last or e.time > last then last = e.time end
    end
    local entry, version, change = write(e)
    if session ~= '' and v and not foresees then
      redis.call('HSET', KEYS[7], 'v', v, 'opened_at', opened_at, 'last', string.format('%.0f', last))
      redis.call('PEXPIRE', KEYS[7], visit_life)
    end
    reply[n + 3] = { 'ACCEPTED', entry, version, change, wrote_created, wrote_visit }
  else
    if e.known == '' then e.known = fresh[e.seen].known end
    reply[n + 3] = { 'DUPLICATE', string.match(e.known, '^%S+ %S+ ?%S*') }
  end
end
return reply
