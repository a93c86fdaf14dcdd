"""A request's way in, before any view: its host, who calls, the count of the calls, and then the verdict.

One function states the order. Calls of callers that are turned away are counted too, so that attempts are limited.
"""

import logging
from typing import NoReturn

from werkzeug.routing import Rule

from churn_api.services import Services
from churn_api.web.core import cors, dispatch, rate_limits
from churn_api.web.core.auth import authenticate, authorize
from churn_api.web.core.flask_app import Api
from churn_api.web.core.open_auth import OpenAuth
from churn_api.web.core.problems import FAILED, Problem
from churn_api.web.core.request_record import RequestRecord
from churn_api.web.core.trusted_hosts import TrustedHosts

log = logging.getLogger(__name__)


def init_app(app: Api, services: Services) -> None:
    """Have an application admit requests."""
    counted: bool = app.config["RATELIMIT_ENABLED"]
    open_auth, hosts = OpenAuth(app.config), TrustedHosts(app.config)

    def admit(record: RequestRecord, rule: Rule | None) -> None:
        services.follow()
        if rule is not None:
            record.route = rule.rule
            record.operation = app.operations.get(rule.endpoint) or _undeclared(rule.endpoint)
        hosts.check(record.environ, None if rule is None else rule.endpoint)
        if cors.is_preflight(record.environ, rule):
            return
        record.auth = authenticate(record.operation, record.environ, services, open_auth)
        if counted:
            rate_limits.count_call(record)
        authorize(record)

    rate_limits.init_app(app)
    dispatch.init_app(app, admit)


def _undeclared(endpoint: str) -> NoReturn:
    """Answer no one: somebody went around `add_url_rule`, so nothing says who may call. Raises Problem."""
    log.error("the endpoint %r declares no operation: it answers no one", endpoint)
    raise Problem("internal-error", FAILED)
