"""Memory and processor time of the group's processes, read at scrape time."""

from collections.abc import Iterator, Mapping
from contextlib import suppress

import psutil
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from churn_api.telemetry.container import memory_here

_LABELS = ("role", "pid")


def processes(roles: Mapping[str, str]) -> Iterator[Metric]:
    """Metrics of every living process, by pid, and the memory of the container."""
    resident = GaugeMetricFamily("process_resident_memory_bytes", "Memory, including shared pages.", labels=_LABELS)
    proportional = GaugeMetricFamily(
        "process_proportional_memory_bytes",
        "Memory, each shared page divided by its users.",
        labels=_LABELS,
    )
    seconds = CounterMetricFamily("process_cpu_seconds", "Processor time.", labels=_LABELS)
    for pid, role in roles.items():
        with suppress(psutil.Error):
            process = psutil.Process(int(pid))
            resident.add_metric((role, pid), process.memory_info().rss)
            proportional.add_metric((role, pid), process.memory_full_info().pss)
            times = process.cpu_times()
            seconds.add_metric((role, pid), times.user + times.system)
    yield from (resident, proportional, seconds)
    memory = memory_here()
    yield GaugeMetricFamily("churn_memory_used_bytes", "Memory used by the container, else the machine.", memory.used)
    yield GaugeMetricFamily("churn_memory_limit_bytes", "Memory of the container, else the machine.", memory.limit)
