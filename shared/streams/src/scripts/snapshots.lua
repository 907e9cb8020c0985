-- After a flush: snapshots of the subjects flushed, their pending entries popped, the horizon raised
-- (docs/protocol.md §7).
--
-- KEYS  1 boot  2 owner  3 trimmed, then for each subject: snapshot, pending
-- ARGV  1 boot  2 epoch  3 nonce  4 position  5 life (ms), then for each subject: version, state

if fenced() then return { 'FENCED' } end
local position = ARGV[4]
local trimmed = redis.call('GET', KEYS[3])
local subjects = {}
for k = 4, #KEYS, 2 do
  subjects[#subjects + 1] = { k = k, upto = redis.call('HGET', KEYS[k], 'upto'), length = redis.call('LLEN', KEYS[k + 1]) }
end
for n, s in ipairs(subjects) do
  local version, state = ARGV[4 + 2 * n], ARGV[5 + 2 * n]
  if not (trimmed and less(position, trimmed)) and not (s.upto and less(position, s.upto)) then
    redis.call('HSET', KEYS[s.k], 'upto', position, 'version', version, 'state', state)
    redis.call('PEXPIRE', KEYS[s.k], ARGV[5])
  end
  for _ = 1, s.length do
    local first = redis.call('LINDEX', KEYS[s.k + 1], 0)
    if less(position, string.match(first, '^(%S+) ')) then break end
    redis.call('LPOP', KEYS[s.k + 1])
  end
end
if not trimmed or less(trimmed, position) then redis.call('SET', KEYS[3], position) end
return { 'OK' }
