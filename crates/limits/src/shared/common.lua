-- A bucket is a hash: the number of a slot (a sixtieth of the window, counted from 1970) to the
-- tokens spent in it. A slot's tokens are back when its END lies a whole window in the past, so
-- never early. All numbers stay below 2^53, where doubles are exact; `text` keeps them from
-- turning into 1e+15.
local function text(number)
  return string.format('%.0f', number)
end

local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local function slot_us(window)
  return math.max(1, math.floor(window / 60))
end

local function slot_at(window, now)
  local slot = slot_us(window)
  return (now - now % slot) / slot
end

local function back_at(window, slot)
  return (slot + 1) * slot_us(window) + window
end

local function keep(key, window, slot, real)
  redis.call('PEXPIRE', key, text(math.ceil((back_at(window, slot) - real) / 1000) + 1))
end

-- Reads what is spent. `now` is Redis's clock (`real`), or where that has stepped back the start
-- of the newest slot: time that went by is not lived through twice, and nothing comes back early.
-- Where it has stepped back by more than a window, waiting for it to catch up could take years, so
-- everything that is still away is counted anew as spent at this moment.
local function load(key, window, real)
  local bucket = { key = key, window = window, now = real, spent = 0, slots = {}, gone = {} }
  local flat = redis.call('HGETALL', key)
  local all, newest = {}, 0
  for i = 1, #flat, 2 do
    local slot = tonumber(flat[i])
    all[#all + 1] = { slot = slot, count = tonumber(flat[i + 1]) }
    newest = math.max(newest, slot)
  end
  local last = newest * slot_us(window)
  local rewound = last - real > window
  if last > real and not rewound then
    bucket.now = last
  end
  for _, entry in ipairs(all) do
    if back_at(window, entry.slot) <= bucket.now then
      bucket.gone[#bucket.gone + 1] = text(entry.slot)
    else
      bucket.slots[#bucket.slots + 1] = entry
      bucket.spent = bucket.spent + entry.count
    end
  end
  bucket.slot = slot_at(window, bucket.now)
  if rewound then
    redis.call('DEL', key)
    redis.call('HSET', key, text(bucket.slot), text(bucket.spent))
    keep(key, window, bucket.slot, real)
    bucket.slots = { { slot = bucket.slot, count = bucket.spent } }
    bucket.gone = {}
  end
  return bucket
end
