"""Admission control, which runs before every view: host check, authentication, rate limit, authorization.

Calls are counted before they are authorized, so that failed attempts are limited too.
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
    """Register admission control for all requests of an application."""
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
    """Refuse the request: the view was registered without `add_url_rule` and has no declaration. Raises Problem."""
    log.error("the endpoint %r declares no operation: its requests are refused", endpoint)
    raise Problem("internal-error", FAILED)
