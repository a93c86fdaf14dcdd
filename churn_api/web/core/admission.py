"""A request's way in, before any view: its host, who calls, the count of the calls, and then the verdict.

One function states the order. Calls of callers that are turned away are counted too, so that attempts are limited.
"""

import logging

from flask import request

from churn_api.config import OPEN
from churn_api.services import Services
from churn_api.web.core import limits, trusted_hosts
from churn_api.web.core.declaration import Operation
from churn_api.web.core.flask_app import Api
from churn_api.web.core.guard import enforce, identify
from churn_api.web.core.problems import Problem
from churn_api.web.core.request_record import RequestRecord, current_request

log = logging.getLogger(__name__)


def init_app(app: Api, services: Services) -> None:
    """Have an application admit requests."""
    counted: bool = app.config["RATELIMIT_ENABLED"]
    auth_open = app.config["AUTH"] == OPEN

    def look() -> None:
        services.follow()
        record = current_request()
        record.operation = _operation(app, record)
        record.auth = identify(record.operation, record.environ, services, auth_open=auth_open)
        if not counted:
            enforce(record)

    trusted_hosts.init_app(app)
    app.before_request(look)
    limits.init_app(app)
    if counted:
        app.before_request(lambda: enforce(current_request()))


def _operation(app: Api, record: RequestRecord) -> Operation | None:
    """What the endpoint declares; None where the address has none, which is a 404 later. Raises Problem."""
    rule = request.url_rule
    if rule is None:
        return None
    record.route = rule.rule
    operation = app.operations.get(rule.endpoint)
    if operation is None:
        # Somebody went around `add_url_rule`. Closed until it says otherwise.
        log.error("the endpoint %r declares no operation: it answers no one", rule.endpoint)
        raise Problem("internal-error", "The log has the rest under the request id.")
    return operation
