-- Keeps what was answered while an event is handled (docs/protocol.md §6).
--
-- KEYS  1 boot  2 owner  3 journal
-- ARGV  1 boot  2 epoch  3 nonce  4 key  5 answer  6 life (ms)
-- The first answer stays: what followed from it may be committed already.

if fenced() then return { 'FENCED' } end
redis.call('HSETNX', KEYS[3], ARGV[4], ARGV[5])
redis.call('PEXPIRE', KEYS[3], ARGV[6])
return { 'OK' }
