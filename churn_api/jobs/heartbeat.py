"""A thread that renews a lease while its worker computes."""

import logging
import threading
from types import TracebackType

from churn_api.jobs.job import Lease
from churn_api.jobs.leases import Cancelled, LeaseLost, Leases
from churn_api.store.database import DatabaseAway

log = logging.getLogger(__name__)


class Heartbeat:
    """Renews a lease inside a `with` block. Without it, a long block of rows would be given to another worker."""

    def __init__(self, leases: Leases, lease: Lease, every_seconds: float) -> None:
        self._leases = leases
        self._lease = lease
        self._every = every_seconds
        self._stopped = threading.Event()
        self._error: LeaseLost | Cancelled | None = None
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopped.set()
        self._thread.join()

    def check(self) -> None:
        """Raise LeaseLost or Cancelled where the last renewal failed with it."""
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while self._error is None and not self._stopped.wait(self._every):
            try:
                self._leases.renew(self._lease)
            except (LeaseLost, Cancelled) as error:
                self._error = error
            except DatabaseAway:
                log.debug("job %s: its lease cannot be renewed, the database is away", self._lease.job.id)
