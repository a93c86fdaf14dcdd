"""prometheus_flask_exporter over the registry of this package, with none of its default metrics."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_flask_exporter import PrometheusMetrics
from prometheus_flask_exporter.multiprocess import GunicornPrometheusMetrics


class MetricsExporter(GunicornPrometheusMetrics):  # type: ignore[misc]
    """The exporter, on a registry whose collector also compacts the files of processes that have ended."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # GunicornPrometheusMetrics.__init__ would register a collector that reads metric files without the lock.
        PrometheusMetrics.__init__(self, None, path=None, export_defaults=False, registry=registry)

    def generate_metrics(self, accept_header: str | None = None, names: Sequence[str] | None = None) -> tuple[str, str]:
        """The metrics as text, and their media type."""
        encode, content_type = choose_encoder(accept_header or "")
        return encode(self.registry).decode(), content_type
