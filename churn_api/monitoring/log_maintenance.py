"""Maintenance of the prediction log: compaction, erasure and retention, by one process at a time in each folder.

Counts of old experiments go with predictions of the same age.
"""

import logging
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from churn_api.monitoring.customer_keys import CustomerKeys
from churn_api.monitoring.erasures import erased_customers, forget_old_erasures
from churn_api.monitoring.experiment_counter import forget_old_counts
from churn_api.monitoring.log_compaction import SegmentCompaction
from churn_api.monitoring.log_erasure import erase_from_files
from churn_api.monitoring.log_folder import LogFolder
from churn_api.monitoring.log_parts import remove_unfinished
from churn_api.monitoring.prediction_logger import PredictionLogger
from churn_api.monitoring.segments import close_abandoned, closed_segments
from churn_api.store.database import Database, DatabaseAway

EVERY_SECONDS = 30.0
STOP_SECONDS = 5.0
_REMOVED = ".removed-"

log = logging.getLogger(__name__)


class Maintained(NamedTuple):
    """What one run of the maintenance did."""

    rows: int
    """Predictions that were compacted."""
    erased_files: int
    """Files that were rewritten for erasures."""
    removed_days: int
    """Days of a model that retention has removed."""


class LogMaintenance:
    """Maintains one log folder. Any number of processes may, on any machine: they take turns."""

    def __init__(
        self, folder: LogFolder, database: Database, keys: CustomerKeys, secret: bytes, keep_days: float
    ) -> None:
        self._folder = folder
        self._database = database
        self._keys = keys
        self._secret = secret
        self._keep_days = keep_days

    def run(self) -> Maintained | None:
        """Compact, erase and remove what is due; None where another process does. Raises DatabaseAway or OSError."""
        forget_old_counts(self._database, self._keep_days)
        if not self._folder.path.is_dir():
            return Maintained(0, 0, 0)
        with self._folder.alone() as alone:
            if not alone:
                return None
            self._remove_unfinished()
            erased = erased_customers(self._database)
            close_abandoned(self._folder.segments)
            compaction = SegmentCompaction(self._folder, self._keys, self._secret, erased)
            compaction.run(closed_segments(self._folder.segments))
            erased_files = erase_from_files(self._folder, erased)
            removed = self._remove_old_days()
            forget_old_erasures(self._database, self._keep_days)
            self._folder.mark_maintained()
            return Maintained(compaction.rows, erased_files, removed)

    @contextmanager
    def in_background(self, own: PredictionLogger | None) -> Iterator[None]:
        """Maintain the log every half minute, in a thread, until the end of the block; close this process' segment."""
        stopped = threading.Event()

        def maintain() -> None:
            while not stopped.wait(EVERY_SECONDS):
                if own is not None:
                    own.close_if_due()
                self.run_or_log()

        thread = threading.Thread(target=maintain, name="prediction-log", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            # Not longer: it may be killed at any moment.
            thread.join(STOP_SECONDS)
            if own is not None:
                own.close()

    def run_or_log(self) -> None:
        """Run once; a failure is logged, and the next run tries again."""
        try:
            self.run()
        except DatabaseAway as error:
            log.warning("the prediction log is not compacted: the database %s", error.state)
        except OSError as error:
            log.error("the prediction log cannot be compacted (%s)", error.strerror)
        except Exception:
            log.exception("the prediction log cannot be compacted")

    def _remove_unfinished(self) -> None:
        for model in self._folder.models():
            for day in self._folder.days(model):
                remove_unfinished(day)

    def _remove_old_days(self) -> int:
        limit = (datetime.now(UTC) - timedelta(days=self._keep_days)).date()
        old = [day for model in self._folder.models() for day in self._folder.days(model) if day.day < limit]
        for day in old:
            # Readers list only names of days: a folder that is half removed is none.
            day.path.rename(day.path.with_name(f"{_REMOVED}{day.path.name}"))
        for removed in self._folder.hidden(f"{_REMOVED}*"):
            shutil.rmtree(removed)
        return len(old)
