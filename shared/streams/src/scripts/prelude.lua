-- Comes before every script.

local function parts(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end
-- Order of stream ids.
local function less(a, b)
  local ams, aseq = parts(a)
  local bms, bseq = parts(b)
  return ams < bms or (ams == bms and aseq < bseq)
end
-- The least id above one.
local function after(id)
  local ms, seq = parts(id)
  return string.format('%.0f-%.0f', ms, seq + 1)
end
local function now_ms()
  local clock = redis.call('TIME')
  return clock[1] * 1000 + math.floor(clock[2] / 1000)
end
-- Whether the caller is not the owner: KEYS[2] is the owner, ARGV[2] and ARGV[3] are the caller's epoch and nonce.
local function fenced()
  local held = redis.call('HMGET', KEYS[2], 'epoch', 'nonce')
  return held[1] ~= ARGV[2] or held[2] ~= ARGV[3]
end

