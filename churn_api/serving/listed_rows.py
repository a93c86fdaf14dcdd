"""What a scored block of a table has more where it is a part of a call list: worths, and its own order."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from churn_api.contract.columns import Columns
from churn_api.contract.signature import Signature
from churn_api.serving.call_list import LIST_COLUMNS, SORTED_FORMAT, list_schema, sorted_by_gain
from churn_api.serving.call_list_options import CallList
from churn_api.serving.customer_worth import CustomerWorth
from churn_api.serving.scored_blocks import ScoredTable
from churn_api.tables.writers import encode


class ListedRows:
    """Makes scored blocks of one file into those of a list. Raises TableFaults where a column of values is missing."""

    def __init__(
        self, call_list: CallList, signature: Signature, names: Sequence[str], keep: Sequence[str] | None
    ) -> None:
        """`names` are the columns of the table; `keep` those to copy into the result, None for all."""
        self._costs = call_list.costs
        self._worth = CustomerWorth(call_list.costs, signature, names)
        column = self._worth.column
        self.only_read = column if column is not None and keep is not None and column not in keep else None
        """The column of values, where it is not one to keep."""
        self.keep = keep if keep is None or self.only_read is None else (*keep, self.only_read)
        """The columns to copy from the file."""

    def reserved(self, names: frozenset[str]) -> frozenset[str]:
        """Names that a copied column may not have, with those of a list."""
        return (names | {*LIST_COLUMNS}) - {self._worth.column}

    def worth(self, columns: Columns, kept: pa.Table, bad: NDArray[np.bool_]) -> pa.Array:
        """What the customer of each row is worth. Raises TableError where a cell is no number."""
        return self._worth.of_rows(columns, kept, bad)

    def part(self, scored: ScoredTable) -> bytes:
        """The listed rows of a block, encoded, largest gain first."""
        return encode(self._sorted(scored), SORTED_FORMAT)

    def schema(self, scored: ScoredTable) -> pa.Schema:
        """The columns of the list, from those of any block."""
        return list_schema(self._sorted(scored).schema)

    def _sorted(self, scored: ScoredTable) -> pa.Table:
        return sorted_by_gain(scored.table, self._costs, scored.worth)
