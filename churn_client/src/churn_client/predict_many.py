"""Predictions for a list, a DataFrame or an Arrow table."""

from typing import Any, Protocol, TypeVar

from churn_client.options import ManyOptions
from churn_client.record_rows import RecordRows
from churn_client.row_parts import predict_rows
from churn_client.steps import Steps


class DataFrameLike(Protocol):
    """A pandas DataFrame; type checkers need no pandas for it."""

    @property
    def index(self) -> Any:
        """The labels of its rows."""
        ...

    @property
    def columns(self) -> Any:
        """The labels of its columns."""
        ...


class ArrowTableLike(Protocol):
    """An Arrow table."""

    @property
    def num_rows(self) -> int:
        """The number of rows."""
        ...

    @property
    def column_names(self) -> list[str]:
        """The names of its columns."""
        ...


FrameT = TypeVar("FrameT", bound=DataFrameLike)
TableT = TypeVar("TableT", bound=ArrowTableLike)


def predict_many(records: Any, rows_per_request: int, options: ManyOptions) -> Steps[Any]:
    """Predict for customers, and return what is like their container: a list, a DataFrame or an Arrow table."""
    if hasattr(records, "__arrow_c_stream__"):
        return (yield from _predict_table(records, rows_per_request, options))
    rows = RecordRows(records)
    return (yield from predict_rows(rows, rows_per_request, options)) if len(rows) else []


def _predict_table(table: Any, rows_per_request: int, options: ManyOptions) -> Steps[Any]:
    # Imported here, so that a program without tables needs no pyarrow.
    from churn_client.arrow_rows import ArrowRows
    from churn_client.frame_arrow import is_frame, to_arrow

    predictions = yield from predict_rows(ArrowRows(to_arrow(table)), rows_per_request, options)
    if not is_frame(table):
        return predictions
    frame = predictions.to_pandas()
    frame.index = table.index
    return frame
