-- One PUT after the other for wrk, each for another student, and a line of JSON at the end.
-- The requests come from a file: one body a line.

local requests, last = {}, 0

function init(arguments)
  for body in io.lines(arguments[1]) do
    requests[#requests + 1] =
      wrk.format("PUT", "/Record/Update", {["Content-Type"] = "application/json"}, body)
  end
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect, errors.read, errors.write, errors.timeout
  ))
end
