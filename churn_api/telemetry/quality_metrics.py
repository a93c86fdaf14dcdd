"""Metrics of the live quality of live versions, read from the database at scrape time."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from churn_api.telemetry.background_query import BackgroundQuery

CACHE_SECONDS = 300.0
"""Outcomes are reported daily at most."""
_VERSION = ("model", "version")


class MeasuredVersion(NamedTuple):
    """The latest month of a live version with enough outcomes."""

    model: str
    version: str
    roc_auc: float
    low: float
    high: float
    trained_roc_auc: float | None
    brier: float
    calibration: float
    leavers: int
    alert: bool


class QualityCollector:
    """Collects the figures of each live version that has enough outcomes."""

    def __init__(self, query: Callable[[], Sequence[MeasuredVersion] | None]) -> None:
        self._versions = BackgroundQuery("quality", query, CACHE_SECONDS)

    def collect(self) -> Iterator[Metric]:
        """The metrics; without samples while the database is away."""
        families = {name: GaugeMetricFamily(f"churn_quality_{name}", text, labels=_VERSION) for name, text in _HELP}
        for one in self._versions.latest() or ():
            for name, value in one._asdict().items():
                if name in families and value is not None:
                    families[name].add_metric((one.model, one.version), float(value))
        yield from families.values()


_HELP = (
    ("roc_auc", "ROC-AUC of the latest month with enough outcomes."),
    ("low", "Lower end of its 95 % interval."),
    ("high", "Upper end of its 95 % interval."),
    ("trained_roc_auc", "ROC-AUC that training measured."),
    ("brier", "Brier score of that month."),
    ("calibration", "The share that left less the mean probability."),
    ("leavers", "Customers of that month who left."),
    ("alert", "1 where the ROC-AUC is below that of training by more than both vary by chance."),
)
