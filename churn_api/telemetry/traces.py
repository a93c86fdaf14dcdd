"""Whether spans are exported."""

from typing import TYPE_CHECKING

from churn_api.config import StartError
from churn_api.settings import PREFIX

if TYPE_CHECKING:
    from churn_api.telemetry.spans import Spans


def spans_to(endpoint: str) -> "Spans | None":
    """The exporter of spans to a collector; None where the endpoint is empty. Raises StartError without the extra."""
    if not endpoint:
        return None
    try:
        from churn_api.telemetry.spans import Spans
    except ModuleNotFoundError as error:
        raise StartError(f"{PREFIX}OTLP_ENDPOINT needs the otel extra: pip install 'churn-api[otel]'") from error
    return Spans(endpoint)
