"""Load by wrk, and what it saw."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

NO_HEADERS: Mapping[str, str] = {}
_SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
if os.getenv("BENCH_KEY") ~= "" then wrk.headers["X-API-Key"] = os.getenv("BENCH_KEY") end
for name, value in os.getenv("BENCH_HEADERS"):gmatch("([^\\n]+): ([^\\n]+)") do wrk.headers[name] = value end
local file = io.open(os.getenv("BENCH_BODY"))
wrk.body = file:read("*a")
file:close()
function done(summary, latency, requests)
  local errors = summary.errors
  local bad = errors.status + errors.connect + errors.timeout + errors.read + errors.write
  local shape = 'RESULT {"requests": %d, "seconds": %.6f, "bad": %d, "p50": %.4f, "p95": %.4f, "p99": %.4f}\\n'
  io.write(string.format(shape, summary.requests, summary.duration / 1e6, bad,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3))
end
"""


class Seen(NamedTuple):
    """What the clients of one run saw; latencies in milliseconds."""

    requests: int
    seconds: float
    bad: int
    p50: float
    p95: float
    p99: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


def load(
    url: str, body: Path, *, connections: int, seconds: int, key: str = "", headers: Mapping[str, str] = NO_HEADERS
) -> Seen:
    """Post a body over and over. Sync workers close after each answer, so each request has a new connection."""
    lines = "\n".join(f"{name}: {value}" for name, value in headers.items())
    script = body.with_name("post.lua")
    script.write_text(_SCRIPT)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "-s", str(script), url]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        env={"BENCH_BODY": str(body), "BENCH_KEY": key, "BENCH_HEADERS": lines, "PATH": os.environ["PATH"]},
        timeout=120,
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    return Seen(**json.loads(line.removeprefix("RESULT ")))
