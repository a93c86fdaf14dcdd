"""What the customers of a table are worth: an amount, a feature, or any other column of numbers."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from churn_api.contract.columns import Columns
from churn_api.contract.faults import Fault
from churn_api.contract.signature import Signature
from churn_api.contract.text_values import WHITESPACE, typed_value
from churn_api.registry.decision import NoValueFeature, value_position
from churn_api.scoring.costs import Costs, Doubles
from churn_api.tables.cell_values import plain_column
from churn_api.tables.table_errors import TableError, TableFaults

NO_NUMBERS = "the column of values holds something that is no number"


class CustomerWorth:
    """Reads what the customers of one table are worth. Raises TableFaults where it has no such column."""

    def __init__(self, costs: Costs, signature: Signature, names: Sequence[str]) -> None:
        """`names` are the columns of the table; empty where they are not known."""
        self._costs = costs
        self._position: int | None = None
        self.column: str | None = None
        """The column to read, where it is no feature."""
        if isinstance(costs.value, str):
            try:
                self._position = value_position(signature, costs.value)
            except NoValueFeature:
                self.column = costs.value
        if self.column is not None and names and self.column not in names:
            raise TableFaults([Fault("required", "The table has no column of values of this name.", path=("value",))])

    def of_rows(self, columns: Columns, kept: pa.Table, bad: NDArray[np.bool_]) -> pa.Array:
        """The worth of each row of a block; null where it is not known, and for `bad` rows, which `columns` lacks.

        Raises TableError where a cell of the column is no number.
        """
        amounts = np.full(len(bad), np.nan)
        if self.column is not None:
            amounts = numbers_of(kept.column(self.column))
        elif self._position is not None:
            amounts[~bad] = columns.numbers[:, self._position]
        else:
            amounts[:] = self._costs.value
        worth = self._costs.worth(amounts)
        return pa.array(worth, pa.float64(), mask=bad | ~np.isfinite(worth))


def numbers_of(column: pa.ChunkedArray) -> Doubles:
    """A column as numbers, shape (n,); NaN where a cell is blank. Raises TableError where one is no number."""
    cells = plain_column("value", column)
    if pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type):
        return np.asarray(cells.cast(pa.float64()).fill_null(np.nan), np.float64)
    numbers = np.empty(len(cells))
    for row, cell in enumerate(cells.to_pylist()):
        text = cell.strip(WHITESPACE) if isinstance(cell, str) else cell
        number = np.nan if text in (None, "") else typed_value("number", text) if isinstance(text, str) else text
        if isinstance(number, bool | str):
            raise TableError(NO_NUMBERS)
        numbers[row] = number
    return numbers
