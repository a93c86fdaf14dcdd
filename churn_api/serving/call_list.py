"""Call lists of tables of any size: blocks are scored and sorted one by one, and then merged.

What a block lists is one file of Arrow, which is mapped into memory, not read; merging holds a few thousand rows.
"""

import heapq
import hmac
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from churn_api.contract.feature_attributes import IDENTIFIER
from churn_api.scoring.costs import Costs, Doubles
from churn_api.scoring.output import PREDICTION, PROBABILITY
from churn_api.scoring.profit import SUCCESS_BAND
from churn_api.serving.call_list_options import MAX_RECORDED, CallList, CallListTotals
from churn_api.tables.arrow import Arrow

SORTED_FORMAT = Arrow.name
"""The format of a sorted block."""
VALUE, GAIN, GROUP = "value", "gain", "group"
LIST_COLUMNS = (VALUE, GAIN, GROUP)
CALL, CONTROL = "call", "control"
GROUPS = (CALL, CONTROL)

_ROWS = 4096
_OPEN_FILES = 200
"""Files that are merged at once."""


def sorted_by_gain(table: pa.Table, costs: Costs, worth: pa.Array) -> pa.Table:
    """Of a block's scored rows those whose call gains something, with value and gain, largest gain first.

    `worth` has a value for each row, null where it is not known. Of rows with the same gain the first comes first.
    """
    amounts = np.asarray(worth.fill_null(np.nan), np.float64)
    probabilities = np.asarray(table.column(PROBABILITY.name).combine_chunks().fill_null(np.nan), np.float64)
    gains = costs.gain(probabilities, amounts)
    listed = np.flatnonzero(gains > 0)
    order = listed[np.argsort(-gains[listed], kind="stable")]
    table = table.drop_columns([name for name in (VALUE, PREDICTION.name) if name in table.column_names])
    table = table.append_column(VALUE, worth).append_column(GAIN, pa.array(gains, pa.float64()))
    return table.take(pa.array(order))


def list_schema(schema: pa.Schema) -> pa.Schema:
    """The columns of a list, from those of a sorted block."""
    return schema.append(pa.field(GROUP, pa.string()))


class _CallListMerge:
    """Merges sorted blocks into one list, which `tables` yields in pieces; `totals` are complete after that.

    `salt` decides, with the customer, who is in the control group. `scratch` is a folder for what is merged in between.
    """

    def __init__(self, call_list: CallList, salt: str, scratch: Path) -> None:
        self._list = call_list
        self._salt = salt.encode()
        self._scratch = scratch
        self._worth_calling = self._called = self._control = 0
        self._spent = self._leavers = self._gain = self._at_stake = 0.0

    def tables(self, blocks: Sequence[Path]) -> Iterator[pa.Table]:
        """The rows of the list, in the order of their gain. Raises OSError."""
        self._worth_calling = sum(_SortedBlock(path).table.num_rows for path in blocks)
        for piece in merged(blocks, self._scratch):
            listed = self._take(piece)
            yield listed
            if listed.num_rows < piece.num_rows:
                break

    @property
    def totals(self) -> CallListTotals:
        """What the list amounts to."""
        costs = self._list.costs
        low, high = (self._gain + (success - costs.success) * self._at_stake for success in SUCCESS_BAND)
        return CallListTotals(
            worth_calling=self._worth_calling,
            called=self._called,
            control=self._control,
            expected_cost=self._spent,
            expected_leavers=self._leavers,
            expected_kept=costs.success * self._leavers,
            expected_profit=self._gain,
            profit_low=low,
            profit_high=high,
        )

    def _take(self, piece: pa.Table) -> pa.Table:
        """The rows of a piece that capacity and budget have room for, with their group."""
        costs = self._list.costs
        probabilities, worth, gains = (piece.column(name).to_numpy() for name in (PROBABILITY.name, VALUE, GAIN))
        called = ~self._in_control(piece.column(IDENTIFIER).to_pylist())
        spent = self._spent + np.cumsum(np.where(called, costs.spending(probabilities), 0.0))
        calls = self._called + np.cumsum(called)
        over = called & self._exceeds(calls, spent)
        rows = int(np.argmax(over)) if over.any() else len(over)
        if not rows:
            return _with_groups(piece.slice(0, 0), called[:0])
        self._called, self._spent = int(calls[rows - 1]), float(spent[rows - 1])
        self._control += rows - int(called[:rows].sum())
        chosen = np.flatnonzero(called[:rows])
        self._leavers += float(probabilities[chosen].sum())
        self._gain += float(gains[chosen].sum())
        self._at_stake += float((probabilities * (worth - costs.offer))[chosen].sum())
        return _with_groups(piece.slice(0, rows), called[:rows])

    def _exceeds(self, calls: NDArray[np.int64], spent: Doubles) -> NDArray[np.bool_]:
        capacity, budget = self._list.capacity, self._list.budget
        too_many = np.zeros(len(calls), bool) if capacity is None else calls > capacity
        return too_many if budget is None else too_many | (spent > budget)

    def _in_control(self, identifiers: Sequence[Any]) -> NDArray[np.bool_]:
        """Who is in the control group: the same for a customer whenever the same list is made."""
        share, first = self._list.control_share, self._called + self._control
        if not share:
            return np.zeros(len(identifiers), bool)
        names = (f"row {first + row}" if one is None else f"customer {one}" for row, one in enumerate(identifiers))
        digests = (hmac.digest(self._salt, name.encode(errors="replace"), "sha256") for name in names)
        return np.array([int.from_bytes(digest[:8]) < share * 2**64 for digest in digests])


class MergedList(NamedTuple):
    """A list that is written."""

    totals: CallListTotals
    customers: list[tuple[Any, bool]]
    """Of a list with a control group the first MAX_RECORDED, each with whether the customer is to be called."""


def write_call_list(
    call_list: CallList, salt: str, blocks: Sequence[Path], scratch: Path, add: Callable[[pa.Table], None]
) -> MergedList:
    """Merge sorted blocks into a list, which `add` receives in pieces. Raises OSError, and what `add` raises."""
    merge = _CallListMerge(call_list, salt, scratch)
    customers: list[tuple[Any, bool]] = []
    for table in merge.tables(blocks):
        add(table)
        if call_list.control_share:
            customers.extend(_groups_of(table.slice(0, MAX_RECORDED - len(customers))))
    return MergedList(merge.totals, customers)


def _groups_of(table: pa.Table) -> Iterator[tuple[Any, bool]]:
    """Of rows of a list the identifiers, each with whether the customer is to be called."""
    for identifier, group in zip(*(table.column(name).to_pylist() for name in (IDENTIFIER, GROUP)), strict=True):
        if identifier is not None:
            yield identifier, group == CALL


def merged(blocks: Sequence[Path], scratch: Path) -> Iterator[pa.Table]:
    """The rows of sorted blocks in the order of their gain, a few thousand at a time. Raises OSError."""
    level = 0
    while len(blocks) > _OPEN_FILES:
        groups = [blocks[first : first + _OPEN_FILES] for first in range(0, len(blocks), _OPEN_FILES)]
        blocks = [_merged_file(group, scratch / f"merged-{level}-{number}") for number, group in enumerate(groups)]
        level += 1
    return _merged([_SortedBlock(path) for path in blocks])


class _Place(NamedTuple):
    """Where a row is; places compare as rows do in a list."""

    loss: float
    block: int
    row: int


class _SortedBlock:
    """The rows of one file, mapped into memory."""

    def __init__(self, path: Path) -> None:
        # Not closed: the table's buffers are parts of the file.
        self.table = pa.ipc.open_stream(pa.memory_map(str(path))).read_all()

    @cached_property
    def gains(self) -> Doubles:
        """Shape (n,), descending."""
        gains: Doubles = self.table.column(GAIN).to_numpy()
        return gains

    def places(self, block: int) -> Iterator[_Place]:
        """The places of its rows, in order."""
        return (_Place(-gain, block, row) for row, gain in enumerate(self.gains))


def _merged(blocks: Sequence[_SortedBlock]) -> Iterator[pa.Table]:
    places = heapq.merge(*(block.places(number) for number, block in enumerate(blocks)))
    while piece := list(islice(places, _ROWS)):
        # Of each block the rows of a piece lie next to each other.
        rows: dict[int, list[int]] = {}
        for place in piece:
            rows.setdefault(place.block, []).append(place.row)
        parts = [blocks[block].table.slice(of_block[0], len(of_block)) for block, of_block in rows.items()]
        starts = dict(zip(rows, np.cumsum([0, *map(len, rows.values())]).tolist(), strict=False))
        order = [starts[place.block] + place.row - rows[place.block][0] for place in piece]
        yield pa.concat_tables(parts).take(pa.array(order)).combine_chunks()


def _merged_file(blocks: Sequence[Path], path: Path) -> Path:
    opened = [_SortedBlock(block) for block in blocks]
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, opened[0].table.schema) as writer:
        for piece in _merged(opened):
            writer.write_table(piece)
    return path


def _with_groups(piece: pa.Table, called: NDArray[np.bool_]) -> pa.Table:
    groups = pa.array(np.where(called, *GROUPS).tolist(), pa.string())
    return piece.append_column(GROUP, groups)
