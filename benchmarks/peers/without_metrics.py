"""The service without its metrics, which no setting switches off: what they cost is what is missing here."""

from typing import Any

from churn_api.app import create_app
from churn_api.web.core.app_services import services_of
from churn_api.web.core.request_metrics import RequestMetrics

app = create_app()
_boundary: Any = app.wsgi_app
_boundary._observers = tuple(one for one in _boundary._observers if not isinstance(one, RequestMetrics))  # noqa: SLF001
services_of(app).data_plane._observers.clear()  # noqa: SLF001
