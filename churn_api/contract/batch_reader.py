"""Records in any form -> a batch: a body's bytes, Python records or named columns.

The fast path (record_decoder.py) reads valid records; record.py reads the others and explains their faults.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec

from churn_api.contract.batch import CUSTOMERS, Batch, PathFromRoot, path_of_only_record, paths_in_list
from churn_api.contract.batch_body import check_list, parse_record
from churn_api.contract.columns import ColumnsBuilder
from churn_api.contract.faults import MAX_FAULTS, Fault, FirstFaults, bounded_hints
from churn_api.contract.json_size import has_longer_list, may_have_longer_list
from churn_api.contract.outside_training import OutsideTraining
from churn_api.contract.record import InvalidRecord, RecordReader
from churn_api.contract.record_decoder import RecordDecoder, RowValues
from churn_api.contract.signature import Signature
from churn_api.contract.size_limits import TooManyRows
from churn_api.contract.struct import list_struct
from churn_api.contract.unseen_categories import UnseenCategories


class BatchReader:
    """Reads records of one signature. Create one per model."""

    def __init__(self, signature: Signature) -> None:
        self.records = RecordReader(signature)
        self._decoder = RecordDecoder(signature)
        self._raw_list_decoder = cache(_raw_list_decoder)
        self._builder = ColumnsBuilder(signature)
        self._unseen_categories = UnseenCategories(signature)
        self.outside_training = OutsideTraining(signature)
        self._has_dates = any(feature.type == "date" for feature in signature.features)

    def read_one(self, body: bytes) -> Batch:
        """Read one record from JSON.

        Raises InvalidRecord with every fault, TooManyMembers, or orjson.JSONDecodeError where the body is not JSON.
        """
        row = self._decoder.decode_usual(body)
        if row is not None:
            # Most records: there is no number to warn of, but there may be a date.
            return self._batch_of_one(row, check_numbers=self._has_dates)
        return self._batch_of_one(
            self._decoder.decode(body) or self._decoder.row_of(self.records.read(parse_record(body)))
        )

    def read_record(self, record: object) -> Batch:
        """Read one Python record, with the types that a JSON parser makes. Raises InvalidRecord with every fault."""
        row = self._decoder.convert(record) or self._decoder.row_of(self.records.read(record))
        return self._batch_of_one(row)

    def read_many(self, body: bytes, limit: int, member: str = CUSTOMERS) -> Batch:
        """Read the list of records in `member`, the only member of a JSON body. Invalid records become faults.

        Raises InvalidRecord where the body has no such list, TooManyRows, TooManyMembers, or orjson.JSONDecodeError.
        """
        if may_have_longer_list(body, limit) and has_longer_list(body, limit):
            raise TooManyRows(limit)
        rows = self._decoder.decode_list(body, member)
        values = self._decoder.transpose(rows)
        if 0 < len(rows) <= limit and self._decoder.has_valid_identifiers(values):
            return self._batch(values, range(len(rows)), len(rows), FirstFaults(), paths_in_list(member))
        check_list(member, body, limit)
        sent = getattr(self._raw_list_decoder(member).decode(body), member)
        return self._read_each(sent, self._decoder.decode, parse_record, paths_in_list(member))

    def read_rows(
        self,
        rows: Sequence[object],
        limit: int,
        path_from_root: PathFromRoot,
        *,
        max_warnings: int | None = MAX_FAULTS,
    ) -> Batch:
        """Read Python records, with the types that a JSON parser makes. Invalid records become faults.

        `max_warnings` None means no limit. Raises TooManyRows, or InvalidRecord where there are no rows.
        """
        if len(rows) > limit:
            raise TooManyRows(limit)
        if not rows:
            raise InvalidRecord([Fault("empty", "Must hold at least one customer.")])
        return self._read_each(rows, self._decoder.convert, lambda record: record, path_from_root, max_warnings)

    def read_columns(self, columns: Mapping[str, Sequence[object]], limit: int, path_from_root: PathFromRoot) -> Batch:
        """Read records by field: sequences of equal length, keyed by the names that records use.

        Raises the same errors as `read_rows`, and InvalidRecord where lengths differ.
        """
        if len({len(values) for values in columns.values()}) > 1:
            raise InvalidRecord([Fault("not-valid", "Columns must have one length.")])
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return self.read_rows(rows, limit, path_from_root)

    def read_valid(self, values: Sequence[Sequence[Any]], identifiers: Sequence[Any]) -> Batch | None:
        """A batch of n records whose values are valid: a sequence for each feature in order. None where an identifier
        is not valid.
        """
        columns = self._decoder.with_identifiers(values, identifiers)
        if columns is None:
            return None
        rows = len(identifiers)
        return self._batch(columns, range(rows), rows, FirstFaults(), paths_in_list())

    def _read_each(
        self,
        sent: Sequence[Any],
        fast_path: Callable[[Any], RowValues | None],
        parse: Callable[[Any], object],
        path_from_root: PathFromRoot,
        max_warnings: int | None = MAX_FAULTS,
    ) -> Batch:
        """Read row by row, so that record.py sees only the rows that the fast path rejects."""
        rows, positions, faults = [], [], FirstFaults()
        with bounded_hints():
            for index, record in enumerate(sent):
                try:
                    rows.append(fast_path(record) or self._decoder.row_of(self.records.read(parse(record))))
                    positions.append(index)
                except InvalidRecord as error:
                    faults.add([fault._replace(path=path_from_root(index, fault.path)) for fault in error.faults])
                    faults.more += error.more
        return self._batch(self._decoder.transpose(rows), positions, len(sent), faults, path_from_root, max_warnings)

    def _batch_of_one(self, row: RowValues, *, check_numbers: bool = True) -> Batch:
        columns, warnings = self._builder.build_one(row), list[Fault]()
        if self._unseen_categories.possible:
            warnings += self._unseen_categories.warnings(list(zip(row, strict=True)), (0,), path_of_only_record, None)[
                0
            ]
        if check_numbers:
            warnings += self.outside_training.warnings(columns, (0,), path_of_only_record, None)[0]
        more = max(len(warnings) - MAX_FAULTS, 0)
        return Batch([self._decoder.identifier(row)], columns, (0,), 1, [], warnings[:MAX_FAULTS], 0, more)

    def _batch(
        self,
        values: Sequence[Sequence[Any]],
        positions: Sequence[int],
        sent: int,
        faults: FirstFaults,
        path_from_root: PathFromRoot,
        max_warnings: int | None = MAX_FAULTS,
    ) -> Batch:
        columns = self._builder.build(values, len(positions))
        warnings, more = self._unseen_categories.warnings(values, positions, path_from_root, max_warnings)
        left = None if max_warnings is None else max_warnings - len(warnings)
        outside, more_outside = self.outside_training.warnings(columns, positions, path_from_root, left)
        warnings, more = warnings + outside, more + more_outside
        identifiers = self._decoder.identifiers(values)
        return Batch(identifiers, columns, positions, sent, faults.first, warnings, faults.more, more)


def _raw_list_decoder(member: str) -> msgspec.json.Decoder[Any]:
    """A decoder that splits a list into records without decoding them."""
    return msgspec.json.Decoder(list_struct(member, msgspec.Raw))
