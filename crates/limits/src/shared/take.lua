-- KEYS: the buckets. ARGV: max, cost and window (µs) of each.
-- Answers {1, slot, left, slot, left, …}, or {0, which refused, wait (ms, -1: for ever), left, …}.
local real = now_us()
local buckets, by_key, refused, worst = {}, {}, nil, -1
for i, key in ipairs(KEYS) do
  local max, cost, window =
    tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local bucket = by_key[key] or load(key, window, real)
  by_key[key] = bucket
  buckets[i] = { state = bucket, max = max, cost = cost }
  local over = bucket.spent + cost - max
  if max == 0 or cost > max then
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

local answer
if refused then
  answer = { 0, refused - 1, worst }
else
  answer = { 1 }
  for _, bucket in ipairs(buckets) do
    local state = bucket.state
    if bucket.cost > 0 and not state.charged then
      state.charged = true
      state.spent = state.spent + bucket.cost
      if #state.gone > 0 then
        redis.call('HDEL', state.key, unpack(state.gone))
      end
      redis.call('HINCRBY', state.key, text(state.slot), text(bucket.cost))
      keep(state.key, state.window, state.slot, real)
    end
  end
end
for _, bucket in ipairs(buckets) do
  if not refused then
    answer[#answer + 1] = bucket.state.slot
  end
  answer[#answer + 1] = math.max(0, bucket.max - bucket.state.spent)
end
return answer
