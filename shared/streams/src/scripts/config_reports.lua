-- The reports of the processes that were seen lately (docs/protocol.md §12). Changes nothing.
--
-- KEYS  1 reports
-- ARGV  1 how long ago is lately (ms)
-- Answers for each process: its name, the number and the name of what it runs, the number that its problem is about, the
-- problem. A clock that was set back must not keep the dead among the living: what is of the future is not lately either.

local now = now_ms()
local reply, all = {}, redis.call('HGETALL', KEYS[1])
for n = 1, #all, 2 do
  local seen, number, name, about, problem = string.match(all[n + 1], '^(%d+) (%d+) (%S*) (%d+) (.*)$')
  if seen and math.abs(now - tonumber(seen)) <= tonumber(ARGV[1]) then
    for _, part in ipairs({ all[n], number, name, about, problem }) do reply[#reply + 1] = part end
  end
end
return reply
