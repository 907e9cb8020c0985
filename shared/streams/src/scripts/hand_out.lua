-- Counts that a paused run whose time has come is handed out (docs/protocol.md §6).
--
-- KEYS  1 boot  2 owner  3 timers  4 the timer's hash
-- ARGV  1 boot  2 epoch  3 nonce  4 timer

if fenced() then return { 'FENCED' } end
if not redis.call('ZSCORE', KEYS[3], ARGV[4]) then return { 'GONE' } end
if redis.call('EXISTS', KEYS[4]) == 0 then return { 'BARE' } end
return { 'OK', redis.call('HINCRBY', KEYS[4], 'attempts', 1) }
