"""A process that counts as a worker does: it reads numbers of increments from stdin, and confirms each."""

import sys
from pathlib import Path

from churn_api.telemetry import multiprocess_dir

if __name__ == "__main__":
    group = multiprocess_dir.join() or multiprocess_dir.begin(Path(sys.argv[1]))

    from churn_api.telemetry.metric_families import families

    counted = families()
    counted.begin("web")
    for line in sys.stdin:
        for _ in range(int(line)):
            counted.requests.labels("GET", "/", 200, "api").inc()
            counted.seconds.labels("/").observe(0.1)
            counted.in_flight.inc()
        sys.stdout.write(f"{group}\n")
        sys.stdout.flush()
