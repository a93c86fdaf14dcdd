"""The prediction log: observes the answers of one process, and appends each to its segment."""

import logging
import os
import struct
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.columns import Columns
from churn_api.contract.signature import Signature
from churn_api.monitoring.open_segment import OpenSegment
from churn_api.monitoring.prediction_frame import Frame, LoggedRecords, logged_features
from churn_api.registry.variants import LIVE_VARIANT
from churn_api.scoring.output import PREDICTION, PROBABILITY, Computed
from churn_api.serving.answer import Answer
from churn_api.serving.predicted_rows import JobBlock, PredictedRows

CLOSE_BYTES = 16 << 20
CLOSE_SECONDS = 60.0
"""A segment is closed, for compaction, when it reaches either."""
_OVERDUE = 2
"""Where no thread closes segments, a write does at so many times these."""
RETRY_SECONDS = 1.0
"""Wait after a segment could not be opened: trying costs a request more than writing."""
WARN_EVERY_SECONDS = 60.0
_PROBABILITY, _PREDICTION = PROBABILITY.name, PREDICTION.name
_ONE_FLOAT = struct.Struct("<f")

log = logging.getLogger(__name__)


class PredictionLogger:
    """Logs every answer of this process. Safe to share between threads.

    Where it cannot write, answers go on: the lost ones are counted, and logged once a minute.
    """

    def __init__(self, folder: Path, secret: bytes, *, records: bool) -> None:
        """`folder` is that of the segments; `records` says whether features are logged."""
        self._folder = folder
        self._secret = secret
        self.records = records
        self.on_lost: Callable[[], None] = lambda: None
        """Called for each answer that could not be logged."""
        self._begin()

    def _begin(self) -> None:
        """Begin in a process: a parent's segment, whose file a fork inherits, is the parent's alone."""
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._segment: OpenSegment | None = None
        self._retry_at = 0.0
        self._warn_at = 0.0
        self._lost = 0

    def predicted(self, answer: Answer) -> None:
        """Log an answer of this moment."""
        self.predicted_at(answer, time.time_ns() // 1000)

    def predicted_at(self, answer: Answer, at: int) -> None:
        """Log an answer of a moment, in microseconds since 1970."""
        card = answer.model.card
        frame = Frame(
            number=0,
            at=at,
            request_id=answer.request_id,
            block=None,
            model=card.name,
            version=card.version,
            variant=answer.variant,
            threshold=answer.threshold,
            first=0,
            positions=b"" if answer.positions is None else _positions(answer.positions),
            probabilities=_floats(answer.columns[_PROBABILITY]),
            decisions=_decisions(answer.columns[_PREDICTION]),
            identifiers=b"",
            records=self._logged(card.signature, answer.records) if self.records else None,
        )
        self._append(frame, answer.identifiers)

    def block_predicted(self, block: JobBlock, rows: PredictedRows) -> None:
        """Log a block of a job, before its progress is saved: compaction drops one that is logged twice."""
        frame = Frame(
            number=0,
            at=int(block.submitted.timestamp() * 1_000_000),
            request_id=block.job,
            block=block.number,
            model=block.model,
            version=block.version,
            variant=LIVE_VARIANT,
            threshold=rows.threshold,
            first=block.first,
            positions=b"" if rows.positions is None else _positions(rows.positions),
            probabilities=_floats(rows.probabilities),
            decisions=_decisions(rows.decisions),
            identifiers=b"",
            records=self._logged(rows.signature, rows.records),
        )
        self._append(frame, rows.identifiers)

    def close_if_due(self) -> None:
        """Close the segment where it is old or large enough."""
        if self._is_due(1):
            self.close()

    def close(self) -> None:
        """Close the segment, so that it can be compacted."""
        if self._pid != os.getpid():
            self._begin()
        with self._lock:
            segment, self._segment = self._segment, None
        if segment is not None:
            # Without the lock: answers do not wait for the disk.
            try:
                segment.close()
            except OSError as error:
                log.warning("a segment of the prediction log cannot be closed (%s)", error.strerror)

    def _append(self, frame: Frame, identifiers: list[Any]) -> None:
        if not identifiers:
            return  # no record of the batch was valid
        if self._pid != os.getpid():
            self._begin()
        if self._is_due(_OVERDUE):
            self.close()
        try:
            with self._lock:
                segment = self._segment or self._opened()
                if segment is not None:
                    segment.append(frame, identifiers)
                    return
        except OSError as error:
            self._warn(error)
        self._lost += 1
        self.on_lost()

    def _opened(self) -> OpenSegment | None:
        """A new segment; None where opening one has failed a moment ago. Raises OSError."""
        if monotonic() < self._retry_at:
            return None
        try:
            self._segment = OpenSegment(self._folder, self._secret)
        except OSError:
            self._retry_at = monotonic() + RETRY_SECONDS
            raise
        return self._segment

    def _is_due(self, times: int) -> bool:
        segment = self._segment
        return segment is not None and (
            segment.bytes >= times * CLOSE_BYTES
            or monotonic() - segment.began >= times * CLOSE_SECONDS
            or segment.is_torn
        )

    def _warn(self, error: OSError) -> None:
        now = monotonic()
        if now >= self._warn_at:
            self._warn_at = now + WARN_EVERY_SECONDS
            lost, self._lost = self._lost + 1, -1
            log.error("the prediction log cannot be written (%s): answers that it lacks: %d", error.strerror, lost)

    def _logged(self, signature: Signature, records: Columns | None) -> LoggedRecords | None:
        if records is None:
            return None
        numbers, texts = records.numbers.astype("<f4").tobytes(), records.texts.ravel().tolist()
        return LoggedRecords(logged_features(signature), numbers, texts)


def _positions(positions: Sequence[int] | NDArray[np.int64]) -> bytes:
    return np.asarray(positions, "<i4").tobytes()


def _floats(probabilities: Computed) -> bytes:
    if isinstance(probabilities, list):
        return _ONE_FLOAT.pack(*probabilities)
    return probabilities.astype("<f4").tobytes()


def _decisions(predictions: Computed) -> bytes:
    return bytes(predictions) if isinstance(predictions, list) else predictions.astype(np.int8).tobytes()
