"""Metrics of one application: what requests and models come to is counted, and told as Prometheus reads it."""

import logging
import os
from collections import Counter
from collections.abc import Callable, Sequence

from flask import Flask
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_flask_exporter import PrometheusMetrics
from prometheus_flask_exporter.multiprocess import GunicornPrometheusMetrics

from churn_api.contract.faults import Fault
from churn_api.contract.record import identifier_names
from churn_api.registry.live import LiveModels
from churn_api.services import Services
from churn_api.serving.metrics import PredictionMetrics
from churn_api.telemetry.collector import scrape_registry
from churn_api.telemetry.metric_families import Children, Families, Step, families
from churn_api.telemetry.metrics_server import serve_metrics
from churn_api.web.core.problems import KINDS
from churn_api.web.core.request_record import RequestRecord

OTHER = "other"
"""A field of a body that is none of ours: a client may name what it likes."""
UNMATCHED = "none"
"""The route of a request that no view answers."""
REASONS = frozenset(code for code, kind in KINDS.items() if kind.status == 401)

_KEY = "churn_api_metrics"

log = logging.getLogger(__name__)


class Exporter(GunicornPrometheusMetrics):  # type: ignore[misc]
    """The exporter, with a registry that folds what dead processes left, and with no metrics of its own."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Its own beginning registers a collector that reads files without the lock.
        PrometheusMetrics.__init__(self, None, path=None, export_defaults=False, registry=registry)

    def generate_metrics(self, accept_header: str | None = None, names: Sequence[str] | None = None) -> tuple[str, str]:
        """The metrics, and their media type."""
        encode, content_type = choose_encoder(accept_header or "")
        return encode(self.registry).decode(), content_type


class Metrics:
    """What one application counts, and how it is told."""

    def __init__(self, services: Services) -> None:
        self.families = families()
        self.recorder = Recorder(self.families, services.live)
        self.exporter = Exporter(scrape_registry(self.families, services.depth_or_none))
        self._models = ModelFamilies(self.families, services.live)
        self._begun_in = 0

    def begin(self, role: str = "web") -> None:
        """Have this process appear in the metrics."""
        if self._begun_in != os.getpid():
            self._begun_in = os.getpid()
            self.families.begin(role)
            self.families.in_flight.set(0)

    def tell(self) -> None:
        """Bring what is told of this process's models up to date."""
        self._models.tell()

    def count_failures(self) -> None:
        """Count what could not be loaded since this was asked before."""
        self._models.count_failures()


class ModelFamilies:
    """What one process tells of its models. A process that forks others must not: what it tells would never change."""

    def __init__(self, families: Families, live: LiveModels) -> None:
        self._families = families
        self._live = live
        self._answering: dict[str, str] = {}
        self._failures: Counter[str] = Counter()

    def tell(self) -> None:
        """Tell which versions answer in this process, and with which generation."""
        self.count_failures()
        answering = self._live.served
        for name, version in self._answering.items():
            if name not in answering or answering[name].version != version:
                self._families.live.labels(name, version).set(0)
        for name, (version, generation) in answering.items():
            self._families.live.labels(name, version).set(1)
            self._families.generation.labels(name).set(generation)
        self._answering = {name: version for name, (version, _) in answering.items()}

    def count_failures(self) -> None:
        """Count the failures that are new."""
        failures = self._live.failures.copy()
        for name, count in (failures - self._failures).items():
            self._families.load_failures.labels(name).inc(count)
        self._failures = failures


class Recorder:
    """Counts requests."""

    def __init__(self, families: Families, live: LiveModels) -> None:
        self._families = families
        self._live = live
        self._requests = Children(families.requests)
        self._seconds = Children(families.seconds)
        self._faults = Children(families.faults)

    def began(self, record: RequestRecord) -> None:
        """Count what is worked on."""
        self._families.add((self._families.in_flight.step(1),))

    def ended(self, record: RequestRecord) -> None:
        """Count what came of it."""
        steps = [self._families.in_flight.step(-1)]
        try:
            steps += self._steps(record)
        except Exception:
            # The answer is sent already, and the next request has nothing to do with it.
            log.exception("request %s could not be counted", record.request_id)
        self._families.add(steps)

    def _steps(self, record: RequestRecord) -> list[Step]:
        route = record.route or UNMATCHED
        requests, seconds = self._requests[record.method, route, record.status], self._seconds[route]
        steps = [requests.step(), *seconds.steps(record.seconds)]
        length = record.environ.get("CONTENT_LENGTH")
        if length and length.isascii() and length.isdigit():
            steps += self._families.received.steps(int(length))
        if record.sent_bytes is not None:
            steps += self._families.sent.steps(record.sent_bytes)
        if record.problem is not None:
            self._count_problem(record)
        if record.faults:
            self._count_faults(record)
        return steps

    def _count_problem(self, record: RequestRecord) -> None:
        if record.limit is not None:
            self._families.limited.labels(record.limit).inc()
        if record.problem in REASONS:
            self._families.login_failures.labels(record.problem).inc()

    def _count_faults(self, record: RequestRecord) -> None:
        if record.model is None:
            return
        signature = self._live.get(record.model, record.version).card.signature
        fields = frozenset((*(feature.name for feature in signature.features), *identifier_names(signature)))
        for (field, code), count in Counter((_field(fault, fields), fault.code) for fault in record.faults).items():
            self._faults[record.model, field, code].inc(count)


def init_app(app: Flask, services: Services) -> Metrics:
    """Have an application counted; its models by what follows the database."""
    metrics = Metrics(services)
    metrics.count_failures()
    services.watcher.after_each_poll(metrics.tell)
    services.data_plane.observe(PredictionMetrics(metrics.families))
    app.extensions[_KEY] = metrics
    return metrics


def metrics_of(app: Flask) -> Metrics:
    """What an application counts."""
    found: Metrics = app.extensions[_KEY]
    return found


def serve(app: Flask, host: str, port: int, close: Callable[[], None]) -> None:
    """Serve an application's metrics on a port of their own, in a process that first closes what it inherited."""
    close()
    serve_metrics(metrics_of(app).exporter.registry, host, port)
    log.info("metrics are served on %s:%d", host, port)


def _field(fault: Fault, fields: frozenset[str]) -> str:
    named = next((step for step in reversed(fault.path) if isinstance(step, str)), None)
    return named if named in fields else OTHER
