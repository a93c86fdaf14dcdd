"""Logged predictions as arrays: what a table of the log says, in the form that can be sorted and joined."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from churn_api.monitoring.customer_keys import KEY_BYTES
from churn_api.monitoring.outcome_events import Days, Subjects, Truths, subjects_of_keys
from churn_api.registry.variants import SHADOW

OF_CUSTOMERS = ("at", "customer", "version", "variant", "probability", "churn")
"""The columns that suffice where nothing is found by its request."""
LOGGED_COLUMNS = (*OF_CUSTOMERS, "request_id", "row")
"""The columns of a table of logged predictions that are read here."""

UNIX_EPOCH = 719_163
"""1970-01-01, as `date.toordinal` counts days."""
_DAY_MICROSECONDS = 86_400_000_000
_NO_CHALLENGER = -1

Codes = NDArray[np.int16]
Singles = NDArray[np.float32]
"""Probabilities as the log has them."""


class PredictionArrays(NamedTuple):
    """n answered predictions, each array of shape (n,)."""

    times: NDArray[np.int64]
    """Microseconds since 1970, UTC."""
    subjects: Subjects
    """Of the customer; 0 where the record had no identifier."""
    anonymous: Truths
    """Whether the record had no identifier."""
    requests: Subjects
    """Of the request, where it had one record and outcomes name requests; else 0."""
    versions: Codes
    """Positions in `names`."""
    variants: Codes
    """Positions in `names`."""
    probabilities: Singles
    positive: Truths
    """Whether churn was predicted."""
    challengers: Codes
    """Positions in `names` of the version that scored the same record in the shadow; -1 where none did."""
    challenger_probabilities: Singles
    """Its probabilities; NaN where there is none."""

    @property
    def days(self) -> Days:
        """The days, UTC, as `date.toordinal` counts them."""
        return self.times // _DAY_MICROSECONDS + UNIX_EPOCH

    def take(self, rows: NDArray[np.intp] | Truths) -> "PredictionArrays":
        """The predictions at these positions, or where `rows` is true."""
        return PredictionArrays._make(array[rows] for array in self)

    @classmethod
    def concatenated(cls, parts: "Iterable[PredictionArrays]") -> "PredictionArrays":
        """The predictions of at least one part, in order."""
        return cls._make(np.concatenate(arrays) for arrays in zip(*parts, strict=True))


class PredictionReader:
    """Turns tables of a model's log into arrays. Versions and variants become positions in `names`."""

    def __init__(self, request_key: Callable[[str], bytes] | None = None) -> None:
        """`request_key` is needed where outcomes name requests; hashing each request id takes time."""
        self.names: list[str] = []
        self._positions: dict[str, int] = {}
        self._request_key = request_key

    @property
    def needs_requests(self) -> bool:
        """Whether it reads the ids of requests from every table."""
        return self._request_key is not None

    def read(self, table: pa.Table) -> PredictionArrays:
        """The answers of a table with LOGGED_COLUMNS; shadow predictions stand with the answer to the same record.

        OF_CUSTOMERS suffice where the table has no shadow predictions, and there is no `request_key`.
        """
        variants = self._codes(table.column("variant"))
        shadow = variants == self._positions.get(SHADOW, _NO_CHALLENGER)
        subjects, anonymous = subjects_of(table.column("customer"))
        arrays = PredictionArrays(
            times=table.column("at").cast(pa.int64()).to_numpy(),
            subjects=subjects,
            anonymous=anonymous,
            requests=np.zeros(table.num_rows, np.uint64),
            versions=self._codes(table.column("version")),
            variants=variants,
            probabilities=table.column("probability").to_numpy(),
            positive=table.column("churn").to_numpy(zero_copy_only=False).astype(bool),
            challengers=np.full(table.num_rows, _NO_CHALLENGER, np.int16),
            challenger_probabilities=np.full(table.num_rows, np.nan, np.float32),
        )
        if self._request_key is not None:
            arrays.requests[:] = _request_subjects(table, ~shadow, self._request_key)
        if shadow.any():
            _pair(arrays, _record_codes(table), shadow)
            arrays = arrays.take(~shadow)
        return arrays

    def _codes(self, texts: pa.ChunkedArray) -> Codes:
        """Positions of texts in `names`."""
        encoded = texts.combine_chunks()
        if not pa.types.is_dictionary(encoded.type):
            encoded = encoded.dictionary_encode()
        positions = np.array([self._position(name) for name in encoded.dictionary.to_pylist()], np.int16)
        indices = encoded.indices.to_numpy(zero_copy_only=False)
        return positions[indices] if len(positions) else np.empty(0, np.int16)

    def _position(self, name: str) -> int:
        if name not in self._positions:
            self._positions[name] = len(self.names)
            self.names.append(name)
        return self._positions[name]


def subjects_of(customers: pa.ChunkedArray) -> tuple[Subjects, Truths]:
    """Subjects of customer keys, and whether each is missing; both of shape (n,)."""
    keys = customers.combine_chunks()
    anonymous = keys.is_null().to_numpy(zero_copy_only=False)
    filled = pc.fill_null(keys.cast(pa.binary()), bytes(KEY_BYTES))
    if not len(filled):
        return np.empty(0, np.uint64), anonymous
    _, offsets, data = filled.buffers()
    first = int(np.frombuffer(offsets, np.int32)[filled.offset])
    return subjects_of_keys(memoryview(data)[first : first + KEY_BYTES * len(filled)]), anonymous


def _request_subjects(table: pa.Table, answered: Truths, request_key: Callable[[str], bytes]) -> Subjects:
    """Of requests with one record; 0 for the records of a batch, which a request id cannot distinguish."""
    encoded = table.column("request_id").combine_chunks().dictionary_encode()
    missing = encoded.indices.is_null().to_numpy(zero_copy_only=False)
    names = encoded.dictionary.to_pylist()
    requests = encoded.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)
    single = np.bincount(requests[answered], minlength=len(names)) == 1
    keys = [request_key(name) if one else bytes(KEY_BYTES) for name, one in zip(names, single, strict=False)]
    subjects: Subjects = np.append(subjects_of_keys(b"".join(keys)), np.uint64(0))
    return np.where(missing, np.uint64(0), subjects[requests])


def _record_codes(table: pa.Table) -> NDArray[np.int64]:
    """A number for each record, the same for its answer and its shadow prediction; negative without a request id."""
    indices = table.column("request_id").combine_chunks().dictionary_encode().indices.fill_null(-1)
    requests: NDArray[np.int64] = indices.to_numpy(zero_copy_only=False).astype(np.int64)
    rows: NDArray[np.int64] = table.column("row").to_numpy().astype(np.int64)
    return requests * (1 << 32) + rows


def _pair(arrays: PredictionArrays, records: NDArray[np.int64], shadow: Truths) -> None:
    """Put each shadow prediction with the answer to the same record."""
    order = np.flatnonzero(shadow)[np.argsort(records[shadow], kind="stable")]
    sorted_records = records[order]
    positions = np.minimum(np.searchsorted(sorted_records, records), len(order) - 1)
    paired = ~shadow & (records >= 0) & (sorted_records[positions] == records)
    arrays.challengers[paired] = arrays.versions[order[positions[paired]]]
    arrays.challenger_probabilities[paired] = arrays.probabilities[order[positions[paired]]]
