-- KEYS: the buckets. ARGV: max, cost and window (µs) of each, then which of them are in shadow.
-- Answers {1, slot, left, slot, left, …}, or {0, which refused, wait (ms, -1: for ever), left, …}.
-- For a slot stands -1 where the key was charged at another place, -2 where a bucket in shadow has
-- too few tokens.
local real = now_us()
local buckets, by_key, shadow, refused, worst = {}, {}, {}, nil, -1
for at = 3 * #KEYS + 1, #ARGV do
  shadow[tonumber(ARGV[at]) + 1] = true
end
for i, key in ipairs(KEYS) do
  local max, cost, window =
    tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local bucket = by_key[key] or load(key, window, real)
  by_key[key] = bucket
  buckets[i] = { state = bucket, max = max, cost = cost, slot = -1 }
  local over = bucket.spent + cost - max
  if shadow[i] then
    if max == 0 or over > 0 then
      buckets[i].slot = -2
    end
  elseif max == 0 or cost > max then
    if worst >= 0 or not refused then
      refused, worst = i, -1
    end
  elseif over > 0 and (worst >= 0 or not refused) then
    table.sort(bucket.slots, function(a, b) return a.slot < b.slot end)
    local wait = 0
    for _, entry in ipairs(bucket.slots) do
      over = over - entry.count
      if over <= 0 then
        wait = math.ceil((back_at(window, entry.slot) - real) / 1000)
        break
      end
    end
    if wait > worst then
      refused, worst = i, wait
    end
  end
end

local function charge(bucket)
  local state = bucket.state
  if state.charged or bucket.slot == -2 then
    return
  end
  state.charged = true
  bucket.slot = state.slot
  if bucket.cost > 0 then
    state.spent = state.spent + bucket.cost
    if #state.gone > 0 then
      redis.call('HDEL', state.key, unpack(state.gone))
    end
    redis.call('HINCRBY', state.key, text(state.slot), text(bucket.cost))
    keep(state.key, state.window, state.slot, real)
  end
end

local answer
if refused then
  answer = { 0, refused - 1, worst }
else
  answer = { 1 }
  for i, bucket in ipairs(buckets) do
    if not shadow[i] then
      charge(bucket)
    end
  end
  for i, bucket in ipairs(buckets) do
    if shadow[i] then
      charge(bucket)
    end
  end
end
for _, bucket in ipairs(buckets) do
  if not refused then
    answer[#answer + 1] = bucket.slot
  end
  answer[#answer + 1] = math.max(0, bucket.max - bucket.state.spent)
end
return answer
