-- What lab/generator/saturate.py has wrk do: hold answers against one that was found right, and say what was seen.
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

-- Every answer must have the body of the first argument. Without, wrk need not read answers, and is faster.
-- Between two requests a client pauses for the milliseconds of the second one on average, and like Poisson's arrivals.
function init(arguments)
  wrong = 0
  local right, pause_ms = arguments[1], tonumber(arguments[2])
  if right ~= "" then
    response = function(status, _, body)
      if status ~= 200 or body ~= right then
        wrong = wrong + 1
      end
    end
  end
  if pause_ms > 0 then
    math.randomseed(os.time())
    delay = function()
      return math.floor(-pause_ms * math.log(1 - math.random()) + 0.5)
    end
  end
end

function done(summary, latency)
  local all, times = 0, {}
  for _, thread in ipairs(threads) do
    all = all + thread:get("wrong")
  end
  for place = 1, #latency do
    times[place] = string.format("[%d,%d]", latency(place))
  end
  local errors = summary.errors
  io.stderr:write(string.format(
    '{"us":%d,"requests":%d,"bytes":%d,"wrong":%d,"status":%d,"connect":%d,"broken":%d,"late":%d,"times":[%s]}',
    summary.duration, summary.requests, summary.bytes, all, errors.status, errors.connect,
    errors.read + errors.write, errors.timeout, table.concat(times, ",")
  ))
end
