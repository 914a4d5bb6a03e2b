-- KEYS: the mark that a receipt was used, then for each bucket its key and that of what an upstream
-- was believed. ARGV: 1 if it is only the upstream that says so, how long to keep the mark (ms),
-- then max, cost, window (µs) and charged slot of each bucket. Answers 1 if tokens were given back.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
local real = now_us()
local hearsay = ARGV[1] == '1'
local gifts, total, seen = {}, 0, {}
for i = 1, (#KEYS - 1) / 2 do
  local key, believed_key = KEYS[2 * i], KEYS[2 * i + 1]
  local max, cost, window, slot =
    tonumber(ARGV[4 * i - 1]), tonumber(ARGV[4 * i]), tonumber(ARGV[4 * i + 1]), ARGV[4 * i + 2]
  if not seen[key] then
    seen[key] = true
    local count = 0
    for _, entry in ipairs(load(key, window, real).slots) do
      if text(entry.slot) == slot then
        count = entry.count
      end
    end
    local gift = math.min(cost, count)
    local believed
    if hearsay and gift > 0 then
      believed = load(believed_key, window, real)
      if believed.spent + gift > max then
        return 0
      end
    end
    total = total + gift
    gifts[#gifts + 1] = { key = key, slot = slot, gift = gift, believed = believed }
  end
end
if total == 0 then
  return 0
end
redis.call('SET', KEYS[1], '', 'PX', ARGV[2])
for _, gift in ipairs(gifts) do
  if gift.gift > 0 then
    if redis.call('HINCRBY', gift.key, gift.slot, text(-gift.gift)) <= 0 then
      redis.call('HDEL', gift.key, gift.slot)
    end
    local believed = gift.believed
    if believed then
      if #believed.gone > 0 then
        redis.call('HDEL', believed.key, unpack(believed.gone))
      end
      redis.call('HINCRBY', believed.key, text(believed.slot), text(gift.gift))
      keep(believed.key, believed.window, believed.slot, real)
    end
  end
end
return 1
