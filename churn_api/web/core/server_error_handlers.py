"""Error handlers for 5xx problems: the service, or a part that it depends on, cannot answer."""

import logging
from collections.abc import Callable
from typing import Any

from flask import Response

from churn_api.registry.model_errors import ModelNotReady
from churn_api.store.database import DatabaseAway
from churn_api.telemetry.multiprocess import Busy
from churn_api.web.core.app_services import services
from churn_api.web.core.disk_space import full_folder_of, is_disk_full
from churn_api.web.core.draining import CutOff
from churn_api.web.core.problems import FAILED, RETRY_AFTER, Problem, response_for
from churn_api.web.core.request_record import current_request
from churn_api.web.core.urls import route_template

log = logging.getLogger(__name__)


def _model_not_ready(error: ModelNotReady) -> Response:
    return _retry_later("model-not-ready", f"GET {route_template('health.ready')} says why.")


def _database_away(error: DatabaseAway) -> Response:
    log.error("the database %s (%s)", error.state, error)
    return _retry_later("dependency-unavailable", f"The database {error.state}.", part="database")


def _metrics_busy(error: Busy) -> Response:
    log.warning("the metrics cannot be read: %s", error)
    return _retry_later("dependency-unavailable", "The metrics are in use.", part="metrics")


def _os_error(error: OSError) -> Response:
    """A full disk is a 503, since a client may succeed later; any other OSError is an internal error."""
    if not is_disk_full(error):
        return _internal_error(error)
    part = full_folder_of(services(), error)
    log.error("no room is left (%s): %s", part, error.strerror)
    return _retry_later("dependency-unavailable", f"No room is left: {part}.", part=part)


def _cut_off(_: CutOff) -> Response:
    return _retry_later("draining", "The server stops, and this request took too long.")


def _internal_error(error: Exception) -> Response:
    current_request().failure = error  # the access log writes it with its traceback
    return response_for(Problem("internal-error", FAILED))


def _retry_later(code: str, detail: str, **members: Any) -> Response:
    return response_for(Problem(code, detail, headers={"Retry-After": str(RETRY_AFTER)}, **members))


HANDLERS: dict[type[Exception], Callable[[Any], Response]] = {
    ModelNotReady: _model_not_ready,
    DatabaseAway: _database_away,
    Busy: _metrics_busy,
    OSError: _os_error,
    CutOff: _cut_off,
    Exception: _internal_error,
}
