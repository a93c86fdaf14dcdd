"""The metrics of one application: requests, models and predictions, exported in Prometheus' formats."""

import logging
import os
from collections.abc import Callable

from flask import Flask

from churn_api.services import Services
from churn_api.serving.prediction_metrics import PredictionMetrics
from churn_api.telemetry.collector import scrape_registry
from churn_api.telemetry.experiment_metrics import ExperimentCollector
from churn_api.telemetry.metric_families import families
from churn_api.telemetry.metrics_server import serve_metrics
from churn_api.telemetry.prediction_log_metrics import PredictionLogCollector
from churn_api.telemetry.quality_metrics import QualityCollector
from churn_api.telemetry.watch_metrics import WatchCollector
from churn_api.web.core.metrics_exporter import MetricsExporter
from churn_api.web.core.model_metrics import ModelMetrics
from churn_api.web.core.request_metrics import RequestMetrics

_KEY = "churn_api_metrics"

log = logging.getLogger(__name__)


class AppMetrics:
    """The metric families of one application, the objects that update them, and the exporter."""

    def __init__(self, services: Services) -> None:
        self.families = families()
        self.requests = RequestMetrics(self.families, services.live)
        registry = scrape_registry(self.families, services.jobs.depth_or_none)
        registry.register(WatchCollector(services.monitoring.watched_or_none))
        registry.register(PredictionLogCollector(services.monitoring.log_state))
        registry.register(ExperimentCollector(services.monitoring.experiments_or_none))
        registry.register(QualityCollector(services.monitoring.measured_or_none))
        self.exporter = MetricsExporter(registry)
        self._models = ModelMetrics(self.families, services.live)
        self._started_in = 0

    def start_process(self, role: str = "web") -> None:
        """Register this process in the metrics. Calling it again in the same process does nothing."""
        if self._started_in != os.getpid():
            self._started_in = os.getpid()
            self.families.begin(role)
            self.families.in_flight.set(0)

    def update_models(self) -> None:
        """Update the metrics of the models that this process serves."""
        self._models.update()

    def count_lookup(self, is_hit: bool) -> None:
        """Count a look-up in the cache of results."""
        self.families.cache.labels("hit" if is_hit else "miss").inc()

    def count_load_failures(self) -> None:
        """Count the load failures since the last call."""
        self._models.count_load_failures()


def init_app(app: Flask, services: Services) -> AppMetrics:
    """Create an application's metrics; the thread that polls the database updates those of its models."""
    metrics = AppMetrics(services)
    metrics.count_load_failures()
    services.watcher.after_each_poll(metrics.update_models)
    predictions = PredictionMetrics(metrics.families)
    services.data_plane.observe(predictions)
    services.data_plane.observe_tensors(predictions)
    if services.monitoring.prediction_log is not None:
        services.monitoring.prediction_log.on_lost = metrics.families.log_lost.inc
    if services.result_cache is not None:
        services.result_cache.on_lookup = metrics.count_lookup
    app.extensions[_KEY] = metrics
    return metrics


def metrics_of(app: Flask) -> AppMetrics:
    """The metrics of an application."""
    metrics: AppMetrics = app.extensions[_KEY]
    return metrics


def serve(app: Flask, host: str, port: int, close: Callable[[], None]) -> None:
    """Serve an application's metrics on a separate port. `close` first closes the sockets inherited by fork."""
    close()
    serve_metrics(metrics_of(app).exporter.registry, host, port)
    log.info("metrics are served on %s:%d", host, port)
