"""Starts and stops, in each process, the watcher of the database and the worker's reports about itself."""

import contextlib
import logging
import os
import threading
from collections.abc import Callable

from churn_api.registry.worker_reports import WorkerReporter
from churn_api.store.change_watcher import Watcher
from churn_api.store.database import Database, DatabaseAway

log = logging.getLogger(__name__)


class DatabaseFollower:
    """Follows the database in one process. Threads do not survive a fork, so every forked process starts its own."""

    def __init__(
        self,
        database: Database,
        reporter: WorkerReporter,
        *,
        watcher: Callable[[], Watcher],
        needs_thread: Callable[[], bool],
    ) -> None:
        """`watcher` is called under a lock, so that threads do not make two of them."""
        self._database = database
        self._watcher = watcher
        self._reporter = reporter
        self._needs_thread = needs_thread
        self._lock = threading.Lock()
        self._closed = False
        self._pid = 0

    def start(self) -> None:
        """Follow the database in this process. Repeated calls are cheap.

        The first call polls once before it returns, in whichever thread it comes: keys that were revoked and models
        that were replaced before the fork answer no request.
        """
        if self._pid != os.getpid():
            with self._lock:
                if self._closed:
                    raise RuntimeError("the application was closed")
                if self._pid != os.getpid():
                    self._watcher().poll_or_log()
                    if self._needs_thread():
                        self._watcher().start()
                    self._pid = os.getpid()

    def stop(self) -> None:
        """Stop following, and remove this process's report."""
        with self._lock:
            self._closed, followed = True, self._pid == os.getpid()
            self._pid = 0
        self._watcher().stop()
        if followed:
            with contextlib.suppress(DatabaseAway):
                self._reporter.remove(self._database)

    def warm_up(self, rounds: int) -> None:
        """Run what every forked process will run; this process itself never follows."""
        self._pid = os.getpid()
        try:
            for _ in range(rounds):
                self._watcher().poll()
                self._reporter.report(self._database)
            self._reporter.remove(self._database)
        except Exception as error:  # noqa: BLE001 - the start goes on: the workers meet the same error, and log it
            log.debug("the warm-up failed (%s)", type(error).__name__)
        finally:
            self._database.close()
