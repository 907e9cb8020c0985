-- The reports of the processes that were seen lately (docs/protocol.md §12). Changes nothing.
--
-- KEYS  1 reports
-- ARGV  1 how long ago is lately (ms)
-- Answers the process, its number and its problem, for each.

local now = now_ms()
local reply, all = {}, redis.call('HGETALL', KEYS[1])
for n = 1, #all, 2 do
  local seen, number, problem = string.match(all[n + 1], '^(%d+) (%d+) (.*)$')
  if seen and now - tonumber(seen) <= tonumber(ARGV[1]) then
    reply[#reply + 1] = all[n]
    reply[#reply + 1] = number
    reply[#reply + 1] = problem
  end
end
return reply
