"""The port that serves metrics, as Prometheus asks it."""

import socket
import time
from collections.abc import Callable

import requests
from prometheus_client.parser import text_string_to_metric_families


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Scrapes:
    """The port that serves metrics."""

    def __init__(self) -> None:
        self.port = free_port()
        self.environment = {"CHURN_METRICS_PORT": str(self.port)}

    def text(self) -> str:
        """What it answers; a process of its own serves it, which may come after the service's workers."""
        until(self.is_served)
        answer = requests.get(f"http://127.0.0.1:{self.port}/metrics", timeout=10)
        assert answer.status_code == 200
        return answer.text

    def is_served(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def value(self, name: str, labels: dict[str, str]) -> float:
        """The sum of the samples of a name that have these labels."""
        return sum_of(self.text(), name, labels)


def sum_of(text: str, name: str, labels: dict[str, str]) -> float:
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return sum(one.value for one in samples if one.name == name and labels.items() <= one.labels.items())


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.05)
