"""Metrics about requests: counts, durations, sizes, rate limits, failed logins and validation faults."""

import logging
from collections import Counter

from churn_api.contract.faults import Fault
from churn_api.registry.live import LiveModels
from churn_api.telemetry.metric_families import Children, Families, Step
from churn_api.web.core.problems import KINDS
from churn_api.web.core.request_record import RequestRecord

OTHER = "other"
"""Label of every field that the signature does not have: clients may send any name."""
OWN = "api"
"""Protocol label of this API's own routes, and of requests that match no route."""
UNMATCHED = "none"
"""Route label of requests that match no route."""
LOGIN_FAILURES = frozenset(code for code, kind in KINDS.items() if kind.status == 401)

log = logging.getLogger(__name__)


class RequestMetrics:
    """An observer of the WSGI middleware that counts requests."""

    def __init__(self, families: Families, live: LiveModels) -> None:
        self._families = families
        self._live = live
        self._requests = Children(families.requests)
        self._seconds = Children(families.seconds)
        self._faults = Children(families.faults)

    def request_started(self, record: RequestRecord) -> None:
        """Increment the gauge of requests in flight."""
        self._families.add((self._families.in_flight.step(1),))

    def request_finished(self, record: RequestRecord) -> None:
        """Decrement the gauge of requests in flight, and count the request and its result."""
        steps = [self._families.in_flight.step(-1)]
        try:
            steps += self._steps(record)
        except Exception:
            # The response is sent already, and an exception here would reach the server.
            log.exception("request %s could not be counted", record.request_id)
        self._families.add(steps)

    def _steps(self, record: RequestRecord) -> list[Step]:
        route = record.route or UNMATCHED
        requests = self._requests[record.method, route, record.status, record.protocol or OWN]
        seconds = self._seconds[route]
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
        if record.problem in LOGIN_FAILURES:
            self._families.login_failures.labels(record.problem).inc()

    def _count_faults(self, record: RequestRecord) -> None:
        if record.model is None:
            return
        fields = self._live.get_any(record.model, record.version).field_names
        for (field, code), count in Counter((_field(fault, fields), fault.code) for fault in record.faults).items():
            self._faults[record.model, field, code].inc(count)


def _field(fault: Fault, fields: frozenset[str]) -> str:
    name = next((step for step in reversed(fault.path) if isinstance(step, str)), None)
    return name if name in fields else OTHER
