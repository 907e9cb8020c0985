-- Reads what is known of some subjects of one slot (docs/protocol.md §5).
--
-- KEYS  1 boot  2 alias, then for each subject: snapshot, pending
-- ARGV  1 boot
-- An alias is answered before anything else: the caller reads on at its target.

local alias = redis.call('HMGET', KEYS[2], 'to', 'state')
if alias[1] then
  if alias[2] == 'DONE' then return { 'ALIAS', alias[1] } end
  return { 'MERGING', alias[1] }
end
local reply = { 'OK' }
for k = 3, #KEYS, 2 do
  local snapshot = redis.call('HMGET', KEYS[k], 'upto', 'version', 'state')
  reply[#reply + 1] = { snapshot[1], snapshot[2], snapshot[3], redis.call('LRANGE', KEYS[k + 1], 0, -1) }
end
return reply
