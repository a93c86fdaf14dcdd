"""A thread that renews a lease while its worker works."""

import logging
import threading
from types import TracebackType

from churn_api.jobs.job import Lease
from churn_api.jobs.queue import Cancelled, LeaseLost, Queue
from churn_api.store.database import DatabaseAway

log = logging.getLogger(__name__)


class Heartbeat:
    """Renews a lease for a block of code. Without it, a block that takes long would be given to another worker."""

    def __init__(self, queue: Queue, lease: Lease, every_seconds: float) -> None:
        self._queue = queue
        self._lease = lease
        self._every = every_seconds
        self._over = threading.Event()
        self._refused: LeaseLost | Cancelled | None = None
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def check(self) -> None:
        """Raise LeaseLost or Cancelled where the lease could not be renewed for that reason."""
        if self._refused is not None:
            raise self._refused

    def _beat(self) -> None:
        while self._refused is None and not self._over.wait(self._every):
            try:
                self._queue.renew(self._lease)
            except (LeaseLost, Cancelled) as error:
                self._refused = error
            except DatabaseAway:
                log.debug("job %s: its lease cannot be renewed, the database is away", self._lease.job.id)
