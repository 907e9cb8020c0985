-- Reads a public stream after a position, with what tells whether anything is missing in between (docs/protocol.md §7).
--
-- KEYS  1 stream  2 gone
-- ARGV  1 position  2 how many entries at most, may be 0  3 how many bytes, about
-- Answers the newest id ever trimmed, the newest id ever made, and entries: one at least, where there are any and any are
-- asked for. In one script, or what is trimmed between two reads would be missed without a word.

local gone = redis.call('GET', KEYS[2])
local page, bytes = {}, 0
if ARGV[2] ~= '0' then
  for n, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])) do
    page[n] = entry
    for _, field in ipairs(entry[2]) do bytes = bytes + #field end
    if bytes > tonumber(ARGV[3]) then break end
  end
end
local last = '0-0'
if #page > 0 then
  -- What was found lies above the position: more need not be known.
  last = page[#page][1]
elseif redis.call('EXISTS', KEYS[1]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = info[i + 1] end
  end
end
return { gone, last, page }
