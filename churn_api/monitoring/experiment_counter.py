"""Counts what happens in the experiments that a process takes part in, and writes the counts to the database."""

import os
import secrets
import threading
from collections.abc import Mapping
from datetime import timedelta
from time import monotonic

import numpy as np
from sqlalchemy import delete, insert, select

from churn_api.monitoring.experiment_counts import (
    CHALLENGER,
    CHALLENGER_SCORES,
    CHALLENGER_SECONDS,
    DIFFERENCES,
    ERRORS,
    LIVE,
    LIVE_SCORES,
    LIVE_SECONDS,
    PAIRS,
    SIZE,
    TOO_SLOW,
    ExperimentCounts,
    add_scores,
    duration_bin,
)
from churn_api.registry.challengers import LoadedExperiment
from churn_api.registry.variants import CHALLENGER as CHALLENGER_VARIANT
from churn_api.registry.variants import SHADOW
from churn_api.serving.answer import Answer
from churn_api.serving.experiment_observer import Failure, Pair
from churn_api.store import clock
from churn_api.store.database import Database
from churn_api.store.monitoring_tables import EXPERIMENT_COUNTS, EXPERIMENTS

FLUSH_SECONDS = 5.0
"""What a killed process has counted for so long is lost."""
MAX_EXPERIMENTS = 100
"""Of which a process keeps counts while the database is away."""
_STORED = np.dtype("<f8")


class ExperimentCounter:
    """Observes the experiments of one process. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._source = secrets.token_hex(16)
        self._counts: dict[str, list[float]] = {}
        self._changed: set[str] = set()
        self._flushed = monotonic()

    def answered(self, running: LoadedExperiment, answer: Answer) -> None:
        """Count the records of an answer."""
        with self._own_lock():
            counts = self._counts_of(running)
            counts[CHALLENGER if answer.variant in (CHALLENGER_VARIANT, SHADOW) else LIVE] += len(answer.identifiers)

    def compared(self, running: LoadedExperiment, pair: Pair) -> None:
        """Count what both versions say of the same records."""
        with self._own_lock():
            counts = self._counts_of(running)
            counts[PAIRS] += len(pair.live)
            counts[DIFFERENCES] += _distance(pair)
            add_scores(counts, LIVE_SCORES, pair.live)
            add_scores(counts, CHALLENGER_SCORES, pair.challenger)
            if pair.seconds is not None:
                counts[LIVE_SECONDS + duration_bin(pair.seconds[0])] += 1
                counts[CHALLENGER_SECONDS + duration_bin(pair.seconds[1])] += 1

    def failed(self, running: LoadedExperiment, failure: Failure) -> None:
        """Count a failure of the challenger."""
        with self._own_lock():
            self._counts_of(running)[ERRORS if failure == "error" else TOO_SLOW] += 1

    def flush_if_due(self) -> bool:
        """Write what was counted, every few seconds; returns whether it was time. Raises DatabaseAway."""
        is_due = monotonic() - self._flushed >= FLUSH_SECONDS
        if is_due:
            self.flush()
        return is_due

    def flush(self) -> None:
        """Write what was counted. Raises DatabaseAway; the counts are kept then."""
        with self._own_lock():
            self._flushed = monotonic()
            changed = {id_: np.array(self._counts[id_], _STORED).tobytes() for id_ in self._changed}
            self._changed.clear()
        if not changed:
            return
        try:
            self._write(changed)
        except BaseException:
            with self._lock:
                self._changed |= changed.keys() & self._counts.keys()
            raise

    def _write(self, changed: Mapping[str, bytes]) -> None:
        table = EXPERIMENT_COUNTS.c
        with self._database.transaction() as connection:
            for id_, counts in changed.items():
                own = (table.experiment == id_, table.source == self._source)
                connection.execute(delete(EXPERIMENT_COUNTS).where(*own))
                row = {"experiment": id_, "source": self._source, "counts": counts}
                connection.execute(insert(EXPERIMENT_COUNTS).values(row))

    def _counts_of(self, running: LoadedExperiment) -> list[float]:
        id_ = running.experiment.id
        counts = self._counts.get(id_)
        if counts is None:
            while len(self._counts) >= MAX_EXPERIMENTS:
                oldest = next(iter(self._counts))
                self._counts.pop(oldest)
                self._changed.discard(oldest)
            counts = self._counts[id_] = [0.0] * SIZE
        self._changed.add(id_)
        return counts

    def _own_lock(self) -> threading.Lock:
        """The lock of this process. What a parent has counted before a fork, it writes itself."""
        if self._pid != os.getpid():
            self._begin()
        return self._lock


def _distance(pair: Pair) -> float:
    """The sum of the absolute differences."""
    if len(pair.live) == 1:
        # For a single number plain Python is faster than NumPy.
        return abs(float(pair.live[0]) - float(pair.challenger[0]))
    return float(abs(pair.live - pair.challenger).sum())


def forget_old_counts(database: Database, keep_days: float) -> None:
    """Delete what was counted of experiments that ended more than `keep_days` ago. Raises DatabaseAway."""
    with database.transaction() as connection:
        limit = clock.now(connection) - timedelta(days=keep_days)
        ended = select(EXPERIMENTS.c.id).where(EXPERIMENTS.c.stopped_at < limit)
        connection.execute(delete(EXPERIMENT_COUNTS).where(EXPERIMENT_COUNTS.c.experiment.in_(ended)))


def read_counts(database: Database, experiment: str) -> ExperimentCounts:
    """What all processes have counted of an experiment. Raises DatabaseAway."""
    table = EXPERIMENT_COUNTS.c
    with database.reading() as connection:
        rows = connection.execute(select(table.counts).where(table.experiment == experiment)).scalars().all()
    # What a program with other bins has written is not read.
    known = [np.frombuffer(row, _STORED) for row in rows if len(row) == SIZE * _STORED.itemsize]
    return ExperimentCounts(np.sum(known, axis=0)) if known else ExperimentCounts.none()
