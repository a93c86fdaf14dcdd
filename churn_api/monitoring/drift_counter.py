"""Counts what a process predicts by the bins of each model's baseline, and writes the counts to the database."""

import os
import secrets
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from time import monotonic
from typing import NamedTuple

import numpy as np

from churn_api.contract.columns import Columns, concatenate
from churn_api.monitoring.hourly_counts import HourKey, compact, write
from churn_api.monitoring.unwritten_counts import UnwrittenCounts
from churn_api.registry.bin_counts import SAMPLE_ROWS, BinCounter, Counts, sample
from churn_api.registry.card import Card
from churn_api.scoring.output import PROBABILITY
from churn_api.serving.answer import Answer
from churn_api.store.database import Database

FLUSH_SECONDS = 10.0
"""What a killed process has counted for so long is lost."""


BATCH_ROWS = 64
"""Records of a batch that count: counting them takes a fiftieth of the batch's time."""


class _Waiting(NamedTuple):
    """Records of one version, and their probabilities."""

    bins: BinCounter
    records: list[Columns]
    probabilities: list[float]


class DriftCounter:
    """Observes the answers of one process. Safe to share between threads.

    Records wait for each other: many that are counted together take a tenth of the time.
    """

    def __init__(
        self, database: Database, keep_days: float, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """`keep_days` says how long the database keeps counts."""
        self._database = database
        self._keep_days = keep_days
        self._now = now
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._source = secrets.token_hex(16)
        self._unwritten = UnwrittenCounts()
        self._waiting: dict[tuple[str, str], _Waiting] = {}
        self._flushed = monotonic()
        self._compacted: datetime | None = None

    def predicted(self, answer: Answer) -> None:
        """Count the predictions of an answer."""
        card, bins, records = answer.model.card, answer.model.bins, answer.records
        if bins is None:
            return
        if answer.counts is not None:
            self.add(card.name, card.version, answer.counts)
        elif records is None:
            return
        elif records.rows == 1:
            self._wait(card, bins, records, answer.columns[PROBABILITY.name])
        elif records.rows:
            some, probabilities = sample(records, np.asarray(answer.columns[PROBABILITY.name]), BATCH_ROWS)
            self._wait(card, bins, some, probabilities.tolist())

    def add(self, model: str, version: str, counts: Counts) -> None:
        """Add counts of a version of a model to the present hour."""
        with self._own_lock():
            self._unwritten.add(HourKey(model, version, self._hour()), counts)

    def flush_if_due(self) -> None:
        """Write what was counted, every few seconds, and compact the database every hour. Raises DatabaseAway."""
        if monotonic() - self._flushed < FLUSH_SECONDS:
            return
        self.flush()
        hour = self._hour()
        if self._compacted != hour:
            compact(self._database, self._keep_days)
            self._compacted = hour

    def flush(self) -> None:
        """Write what was counted. Raises DatabaseAway; the counts are kept then."""
        with self._own_lock():
            self._count_waiting()
            changed = self._unwritten.changed()
        self._flushed = monotonic()
        if changed:
            write(self._database, self._source, changed)
            with self._lock:
                self._unwritten.mark_written(changed, self._hour())

    def _own_lock(self) -> threading.Lock:
        """The lock of this process. What a parent has counted before a fork, it writes itself."""
        if self._pid != os.getpid():
            self._begin()
        return self._lock

    def _hour(self) -> datetime:
        return self._now().replace(minute=0, second=0, microsecond=0)

    def _wait(self, card: Card, bins: BinCounter, records: Columns, probabilities: Iterable[float]) -> None:
        with self._own_lock():
            waiting = self._waiting.get((card.name, card.version))
            if waiting is None:
                waiting = self._waiting[card.name, card.version] = _Waiting(bins, [], [])
            waiting.records.append(records)
            waiting.probabilities.extend(probabilities)
            if len(waiting.probabilities) >= SAMPLE_ROWS:
                self._count_waiting()

    def _count_waiting(self) -> None:
        for (model, version), (bins, records, probabilities) in self._waiting.items():
            counts = bins.count(concatenate(records), np.array(probabilities))
            self._unwritten.add(HourKey(model, version, self._hour()), counts)
        self._waiting.clear()
