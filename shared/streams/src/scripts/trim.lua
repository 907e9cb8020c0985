-- Trims a stream up to what all of the mesh's own readers have finished (docs/protocol.md §7).
--
-- KEYS  1 boot  2 owner  3 stream  4 gone  5 stored
-- ARGV  1 boot  2 epoch  3 nonce  4 committed position ('' where none counts)  5 keep at least (ms)  6 keep at most
--       (entries)  7 whether the committed position is that of `changes`  8 … groups that hold trimming
-- Entries younger than ARGV[5] stay, unless there are more than ARGV[6]. A group that is missing holds everything.

if fenced() then return { 'FENCED' } end
local length = redis.call('XLEN', KEYS[3])
-- Whoever waits for it is told, also where nothing is left to trim. A repeat of an older flush takes nothing back.
if ARGV[7] == '1' then
  local stored = redis.call('GET', KEYS[5])
  if not stored or less(stored, ARGV[4]) then redis.call('SET', KEYS[5], ARGV[4]) end
end
if length == 0 then return { 'OK', 0 } end

-- The first id that must stay.
local horizon
local function hold(id) if not horizon or less(id, horizon) then horizon = id end end
if ARGV[4] ~= '' then hold(after(ARGV[4])) end
local groups = {}
for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[3])) do
  local g = {}
  for i = 1, #info, 2 do g[info[i]] = info[i + 1] end
  groups[g['name']] = g
end
for a = 8, #ARGV do
  local g = groups[ARGV[a]]
  if not g then return { 'OK', 0 } end
  if tonumber(g['pending']) > 0 then
    hold(redis.call('XPENDING', KEYS[3], ARGV[a])[2])
  else
    hold(after(g['last-delivered-id']))
  end
end
if not horizon then return { 'OK', 0 } end

local now = now_ms()
local young = string.format('%.0f-0', now - tonumber(ARGV[5]))
local surplus = length - tonumber(ARGV[6])
if surplus > 0 then
  -- The retention by size bites: the oldest surplus goes, young or not.
  local oldest = redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', math.min(surplus, 1000))
  local bound = after(oldest[#oldest][1])
  if less(young, bound) then young = bound end
end
if less(young, horizon) then horizon = young end
local first = redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', 1)
if not first[1] or not less(first[1][1], horizon) then return { 'OK', 0 } end
local newest_gone = redis.call('XREVRANGE', KEYS[3], '(' .. horizon, '-', 'COUNT', 1)
local trimmed = redis.call('XTRIM', KEYS[3], 'MINID', horizon)
if newest_gone[1] then redis.call('SET', KEYS[4], newest_gone[1][1]) end
return { 'OK', trimmed }
