-- Counts the entries of a stream after a position: only their number leaves the server.
--
-- KEYS  1 stream
-- ARGV  1 position  2 how many to count at most
-- Answers the number, and the last one counted where there may be more. Before the first entry the length says it all.

local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
if not first then return { 0, false } end
if less(ARGV[1], first[1]) then return { redis.call('XLEN', KEYS[1]), false } end
local found = redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])
local last = #found == tonumber(ARGV[2]) and found[#found][1]
return { #found, last }
