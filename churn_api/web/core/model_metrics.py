"""Metrics about the models that one process has loaded."""

from collections import Counter

from churn_api.registry.live import LiveModels
from churn_api.telemetry.metric_families import Families


class ModelMetrics:
    """Exports which versions a process serves, and how many loads failed.

    Only for processes that serve requests: gunicorn's master, which never reloads models, would export stale values.
    """

    def __init__(self, families: Families, live: LiveModels) -> None:
        self._families = families
        self._live = live
        self._served: dict[str, str] = {}
        self._failures: Counter[str] = Counter()

    def update(self) -> None:
        """Set the gauges of live versions and their generations, and count new load failures."""
        self.count_load_failures()
        served = self._live.served
        for name, version in self._served.items():
            if name not in served or served[name].version != version:
                self._families.live.labels(name, version).set(0)
        for name, (version, generation) in served.items():
            self._families.live.labels(name, version).set(1)
            self._families.generation.labels(name).set(generation)
        self._served = {name: version for name, (version, _) in served.items()}

    def count_load_failures(self) -> None:
        """Count the load failures since the last call."""
        failures = self._live.failures.copy()
        for name, count in (failures - self._failures).items():
            self._families.load_failures.labels(name).inc(count)
        self._failures = failures
