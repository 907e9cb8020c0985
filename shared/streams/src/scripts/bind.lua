-- Reads a session's binding, or sets it where it is absent; either way it lives on (docs/protocol.md §4.1).
--
-- KEYS  1 binding
-- ARGV  1 candidate profile ('' reads only)  2 life (ms)

local bound = redis.call('HGET', KEYS[1], 'profile')
if not bound and ARGV[1] ~= '' then
  redis.call('HSET', KEYS[1], 'profile', ARGV[1])
  bound = ARGV[1]
end
if bound then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return { bound }
