-- Reads as the partition's owner (docs/protocol.md §6). Fenced: a paused owner that wakes must not swallow entries into
-- the pending list of the consumer that the new owner reads as.
--
-- KEYS  1 boot  2 owner  3 stream
-- ARGV  1 boot  2 epoch  3 nonce  4 group  5 count  6 '>' for new entries, or an id: pending entries above it

if fenced() then return { 'FENCED' } end
local read = redis.call('XREADGROUP', 'GROUP', ARGV[4], 'owner', 'COUNT', ARGV[5], 'STREAMS', KEYS[3], ARGV[6])
local entries, deliveries = {}, {}
if read then entries = read[1][2] end
if ARGV[6] ~= '>' then
  for n, entry in ipairs(entries) do
    local pending = redis.call('XPENDING', KEYS[3], ARGV[4], entry[1], entry[1], 1)
    deliveries[n] = pending[1] and pending[1][4] or 1
  end
end
return { 'OK', entries, deliveries }
