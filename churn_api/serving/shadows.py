"""Shadows: what the challenger says of records that the live version has answered, scored together by a thread.

A request leaves its records here, so that its answer waits for nothing; many that are scored together take a fraction
of the time. Observers receive shadow answers from that thread.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.columns import Columns, concatenate
from churn_api.registry.challengers import LoadedExperiment
from churn_api.registry.variants import SHADOW
from churn_api.scoring.output import PROBABILITY
from churn_api.serving.answer import Answer, Scored, predict_columns
from churn_api.serving.experiment_observer import Pair

GATHER_SECONDS = 0.1
"""How long records wait for others."""
MAX_WAITING = 10_000
"""Records that wait in one process. A challenger that falls behind skips the rest."""
MAX_TOGETHER = 1000
DRAIN_SECONDS = 5.0


class _Waiting(NamedTuple):
    """An answer whose records the challenger scores too."""

    running: LoadedExperiment
    answer: Answer
    records: Columns
    threshold: float | None
    """The caller's."""


class Shadows:
    """The shadows of one data plane. Safe to share between threads."""

    def __init__(
        self,
        on_scored: Callable[[LoadedExperiment, Answer, Pair], None],
        on_error: Callable[[LoadedExperiment, Exception], None],
    ) -> None:
        """Both are called by the thread, once for each answer."""
        self._on_scored = on_scored
        self._on_error = on_error
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._waiting: deque[_Waiting] = deque()
        self._rows = 0
        self._arrived = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, running: LoadedExperiment, answer: Answer, records: Columns, threshold: float | None) -> bool:
        """Leave the records of an answer. False where too many wait: the challenger skips these."""
        if self._pid != os.getpid():
            self._begin()  # threads do not survive a fork, and what a parent has, it scores itself
        with self._lock:
            if self._rows and self._rows + records.rows > MAX_WAITING:
                return False
            self._rows += records.rows
            self._waiting.append(_Waiting(running, answer, records, threshold))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
                self._thread.start()
        self._arrived.set()
        return True

    def drain(self, seconds: float = DRAIN_SECONDS) -> bool:
        """Wait until nothing waits any more, or for so long; returns whether nothing does."""
        deadline = time.monotonic() + seconds
        while self._rows and self._pid == os.getpid():
            if time.monotonic() > deadline:
                return False
            time.sleep(GATHER_SECONDS / 10)
        return True

    def _run(self) -> None:
        while True:
            self._arrived.wait()
            time.sleep(GATHER_SECONDS)
            self._arrived.clear()
            while taken := self._take():
                # Those of one experiment and threshold together; nearly always these are all.
                for _, group in groupby(taken, key=lambda one: (one.running.experiment.id, one.threshold)):
                    self._score(list(group))
                with self._lock:
                    self._rows -= sum(one.records.rows for one in taken)

    def _take(self) -> list[_Waiting]:
        with self._lock:
            taken: list[_Waiting] = []
            rows = 0
            while self._waiting and (not taken or rows + self._waiting[0].records.rows <= MAX_TOGETHER):
                taken.append(self._waiting.popleft())
                rows += taken[-1].records.rows
            return taken

    def _score(self, group: Sequence[_Waiting]) -> None:
        running, _, _, threshold = group[0]
        try:
            scored = predict_columns(running.challenger, concatenate([one.records for one in group]), threshold)
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's own errors share no base class
            if len(group) == 1:
                self._on_error(running, error)
                return
            for one in group:
                self._score([one])
            return
        for one, part in zip(group, _divided(scored, [one.records.rows for one in group]), strict=True):
            shadow = one.answer._replace(
                model=running.challenger,
                threshold=part.threshold,
                policy=part.policy,
                columns=part.columns,
                seconds=part.seconds,
                variant=SHADOW,
                explained=None,
            )
            self._on_scored(running, shadow, Pair(_probabilities(one.answer), _probabilities(shadow)))


def _divided(scored: Scored, sizes: Sequence[int]) -> Iterator[Scored]:
    """What was computed for several answers, by answer."""
    if len(sizes) == 1:
        yield scored
        return
    # A single value is a list, as everywhere.
    lists = {name: np.asarray(values).tolist() for name, values in scored.columns.items()} if 1 in sizes else {}
    first, each = 0, scored.seconds / sum(sizes)
    for size in sizes:
        columns = lists if size == 1 else scored.columns
        part = {name: values[first : first + size] for name, values in columns.items()}
        yield Scored(part, each * size, scored.threshold, scored.policy)
        first += size


def _probabilities(answer: Answer) -> NDArray[np.float64]:
    return np.asarray(answer.columns[PROBABILITY.name])
