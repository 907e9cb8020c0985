-- Puts a configuration revision where stages take it from, unless there is one as new (docs/protocol.md §12).
--
-- KEYS  1 config
-- ARGV  1 number  2 its bytes  3 how many revisions are kept
-- Only forward: a repeat, or a publisher that slept, changes nothing.

local newest = tonumber(redis.call('HGET', KEYS[1], 'newest') or '0')
if tonumber(ARGV[1]) <= newest then return { 0 } end
local numbers = {}
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if field ~= 'newest' then numbers[#numbers + 1] = field end
end
table.sort(numbers, function(a, b) return tonumber(a) < tonumber(b) end)
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2], 'newest', ARGV[1])
for n = 1, #numbers + 1 - tonumber(ARGV[3]) do redis.call('HDEL', KEYS[1], numbers[n]) end
return { 1 }
