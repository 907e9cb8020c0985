-- Publishes rows, ascending by version; what was published before is skipped (docs/protocol.md §7).
--
-- KEYS  1 boot  2 owner  3 stream
-- ARGV  1 boot  2 epoch  3 nonce, then for each row: version, data, tenant, field, id, traceparent, tracestate,
--       historical (1 or 0)

if fenced() then return { 'FENCED' } end
local last = '0-0'
if redis.call('EXISTS', KEYS[3]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[3])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = info[i + 1] end
  end
end
local published = 0
for a = 4, #ARGV, 8 do
  if less(last, ARGV[a]) then
    redis.call('XADD', KEYS[3], ARGV[a], 'data', ARGV[a + 1], 'tenant', ARGV[a + 2], ARGV[a + 3], ARGV[a + 4],
      'traceparent', ARGV[a + 5], 'tracestate', ARGV[a + 6], 'historical', ARGV[a + 7])
    last = ARGV[a]
    published = published + 1
  end
end
return { 'OK', published }
