-- KEYS: the mark that a receipt was used, then for each bucket its key and that of what an upstream
-- was believed. ARGV: 1 if it is only the upstream that says so, how long to keep the mark (ms),
-- then max, cost, window (µs) and charged slot of each bucket (where it was not charged, one that
-- none has), then which of them are in shadow. Answers 1 if tokens were given back.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
local real = now_us()
local hearsay = ARGV[1] == '1'
local gifts, total, shadow = {}, 0, {}
for at = 2 * #KEYS + 1, #ARGV do
  shadow[tonumber(ARGV[at]) + 1] = true
end
for i = 1, (#KEYS - 1) / 2 do
  local key, believed_key = KEYS[2 * i], KEYS[2 * i + 1]
  local max, cost, window, slot =
    tonumber(ARGV[4 * i - 1]), tonumber(ARGV[4 * i]), tonumber(ARGV[4 * i + 1]), ARGV[4 * i + 2]
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
      -- What never refuses keeps no other bucket from being given back.
      if not shadow[i] then
        return 0
      end
      gift = 0
    end
  end
  total = total + gift
  gifts[#gifts + 1] = { key = key, slot = slot, gift = gift, believed = believed }
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
