-- A process says which configuration it runs, and learns the newest one's number (docs/protocol.md §12).
--
-- KEYS  1 config  2 reports
-- ARGV  1 the process, `<stage>/<instance>`  2 number and name  3 number and problem  4 when an equal report is renewed (ms)
--       5 life of a report (ms)
-- Each look that wrote would be a sync of the disk. Whoever is new here takes the reports away of those that were not seen
-- for so long: processes that were killed.

local now = now_ms()
local report = ARGV[2] .. ' ' .. ARGV[3]
local seen, former = string.match(redis.call('HGET', KEYS[2], ARGV[1]) or '', '^(%d+) (.*)$')
local is_due = former ~= report or math.abs(now - tonumber(seen)) >= tonumber(ARGV[4])
if is_due and redis.call('HSET', KEYS[2], ARGV[1], string.format('%.0f %s', now, report)) == 1 then
  local all = redis.call('HGETALL', KEYS[2])
  for n = 1, #all, 2 do
    local seen = tonumber(string.match(all[n + 1], '^(%d+) '))
    if not seen or math.abs(now - seen) > tonumber(ARGV[5]) then redis.call('HDEL', KEYS[2], all[n]) end
  end
end
return { redis.call('HGET', KEYS[1], 'newest') or '0' }
