"""Collects the predictions of many frames, and turns them into a table of the prediction log."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from churn_api.monitoring.customer_keys import CustomerKeys
from churn_api.monitoring.log_columns import LOG_SCHEMA, RECORD
from churn_api.monitoring.prediction_frame import Frame, LoggedFeature, LoggedRecords
from churn_api.monitoring.segments import SegmentFrame

_EPOCH = date(1970, 1, 1).toordinal()


class RowsKey(NamedTuple):
    """What the rows of one file have in common."""

    model: str
    day: date
    version: str
    features: tuple[LoggedFeature, ...] | None
    """None where features are not logged."""


def day_of(frame: Frame) -> date:
    """The day of a frame's predictions, in UTC."""
    return datetime.fromtimestamp(frame.at / 1_000_000, UTC).date()


class LogRows:
    """The rows of one file so far."""

    def __init__(self, key: RowsKey) -> None:
        self._key = key
        self._lengths: list[int] = []
        self._frames: list[Frame] = []
        self._customers: list[bytes | None] = []

    def add(self, logged: SegmentFrame, keys: CustomerKeys) -> None:
        """Add the predictions of a frame."""
        self._frames.append(logged.frame)
        self._lengths.append(len(logged.identifiers))
        self._customers += keys.keys(logged.identifiers)

    @property
    def blocks(self) -> dict[str, list[int]]:
        """By job, the numbers of the blocks among the frames."""
        blocks: dict[str, list[int]] = {}
        for frame in self._frames:
            if frame.block is not None and frame.request_id is not None:
                blocks.setdefault(frame.request_id, []).append(frame.block)
        return blocks

    def table(self) -> pa.Table:
        """All rows, with the columns of LOG_SCHEMA, and RECORD where features are logged."""
        of_frame = pa.array(np.repeat(np.arange(len(self._frames)), self._lengths))

        def repeated(name: str, attribute: str) -> pa.Array:
            values = [getattr(frame, attribute) for frame in self._frames]
            return pa.array(values, LOG_SCHEMA.field(name).type).take(of_frame)

        columns = {
            "at": repeated("at", "at"),
            "request_id": repeated("request_id", "request_id"),
            "row": pa.array(np.concatenate([*map(_rows, self._frames, self._lengths)]), pa.int32()),
            "customer": pa.array(self._customers, LOG_SCHEMA.field("customer").type),
            "version": repeated("version", "version"),
            "variant": repeated("variant", "variant"),
            "probability": pa.array(_joined([frame.probabilities for frame in self._frames], "<f4")),
            "threshold": repeated("threshold", "threshold"),
            "churn": pa.array(_joined([frame.decisions for frame in self._frames], "?")),
        }
        table = pa.table(columns, LOG_SCHEMA)
        if self._key.features is None:
            return table
        records = [frame.records for frame in self._frames if frame.records is not None]
        return table.append_column(RECORD, _record_column(self._key.features, records, len(table)))


def _rows(frame: Frame, length: int) -> NDArray[np.int32]:
    if frame.positions:
        return np.frombuffer(frame.positions, "<i4") + np.int32(frame.first)
    return np.arange(frame.first, frame.first + length, dtype=np.int32)


def _joined(parts: Sequence[bytes], dtype: str) -> NDArray[Any]:
    return np.frombuffer(b"".join(parts), dtype)


def _record_column(features: Sequence[LoggedFeature], records: Sequence[LoggedRecords], rows: int) -> pa.StructArray:
    numeric = [feature for feature in features if feature.type != "string"]
    numbers = _joined([part.numbers for part in records], "<f4").reshape(rows, len(numeric))
    texts = list(chain.from_iterable(part.texts for part in records))
    of_texts, of_numbers = iter(range(len(features) - len(numeric))), iter(range(len(numeric)))
    arrays = [
        _texts(texts[next(of_texts) :: len(features) - len(numeric)])
        if feature.type == "string"
        else _numbers(feature, numbers[:, next(of_numbers)])
        for feature in features
    ]
    return pa.StructArray.from_arrays(arrays, [feature.name for feature in features])


def _texts(values: Sequence[str]) -> pa.Array:
    """The empty text is missing."""
    return pa.array([value or None for value in values], pa.string())


def _numbers(feature: LoggedFeature, values: NDArray[np.float32]) -> pa.Array:
    """NaN is missing; a date is written as days before the feature's reference."""
    missing = np.isnan(values)
    if feature.type == "boolean":
        return pa.array(values == 1, mask=missing)
    if feature.type == "date" and feature.reference is not None:
        day = date.fromisoformat(feature.reference).toordinal() - _EPOCH
        days = np.floor(day - np.where(missing, 0, values).astype(np.float64))
        return pa.array(days.astype(np.int32), pa.int32(), mask=missing).cast(pa.date32())
    return pa.array(values, mask=missing)
