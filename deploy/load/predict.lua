-- wrk's script: one customer over and over. The key, where there is one, comes after `--`.
wrk.method = "POST"
wrk.path = "/api/v1/predict"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"customer_id": "CUST001", "age": 35, "tenure": 24, "monthly_charges": 65.50}'

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  refused = 0
  if arguments[1] then
    wrk.headers["X-API-Key"] = arguments[1]
  end
end

function response(status)
  if status ~= 200 then
    refused = refused + 1
  end
end

function done(summary, latency)
  local total = 0
  for _, thread in ipairs(threads) do
    total = total + thread:get("refused")
  end
  print(string.format("other than 200: %d; p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms", total,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency:percentile(99.9) / 1000))
end
