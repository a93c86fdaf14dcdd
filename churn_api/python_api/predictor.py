"""Predictor: a model to call from Python. Records are read and scored as those that come over HTTP are."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, overload

from churn_api.contract.batch import Batch, within
from churn_api.contract.faults import Fault
from churn_api.contract.signature import Signature
from churn_api.python_api.plain_values import plain_record
from churn_api.python_api.prediction import Prediction, predictions_of
from churn_api.registry.card import Card
from churn_api.registry.model import Model
from churn_api.serving.data_plane import DataPlane, Options


class Row(Protocol):
    """What a row of a DataFrame has, and many others that are no mappings by name."""

    def keys(self) -> Iterable[Any]:
        """Its fields' names."""
        ...

    def __getitem__(self, name: str, /) -> Any: ...


class Frame(Protocol):
    """What of pandas' classes a DataFrame alone has: types are checked whether pandas is installed or not."""

    @property
    def index(self) -> Any:
        """Its rows' labels."""
        ...

    @property
    def columns(self) -> Any:
        """Its columns' labels."""
        ...


class Table(Protocol):
    """What an Arrow table has."""

    @property
    def num_rows(self) -> int:
        """How many rows."""
        ...

    @property
    def column_names(self) -> list[str]:
        """Its columns' names."""
        ...


FrameT = TypeVar("FrameT", bound=Frame)
TableT = TypeVar("TableT", bound=Table)


class Predictor:
    """Predicts with one model. Made by `churn_api.load` or `churn_api.predictor`.

    May be used by many threads at once, and in processes that are forked after it was made.
    """

    def __init__(self, current_model: Callable[[], Model], data_plane: DataPlane, of: str) -> None:
        self._current_model = current_model
        self._data_plane = data_plane
        self._of = of

    @property
    def card(self) -> Card:
        """Everything about the model that is not the model itself: metrics, policy, where it comes from."""
        return self._current_model().card

    @property
    def signature(self) -> Signature:
        """What a record of the model is."""
        return self.card.signature

    def predict(self, record: Mapping[str, Any] | Row, *, threshold: float | None = None) -> Prediction:
        """Predict for one customer: a mapping of the signature's fields to values, or a row of a DataFrame.

        Values may be scalars of NumPy; None, NaN and pandas' NA and NaT are missing values. `threshold`, in [0, 1],
        takes the place of the model's own. Raises InvalidRecord with every fault.
        """
        model = self._current_model()
        batch = model.reader.read_record(plain_record(record))
        answer = self._data_plane.predict(model, batch, _options(threshold), many=False)
        (prediction,) = predictions_of(answer, [batch.warnings])
        return prediction

    @overload
    def predict_many(
        self, records: Sequence[Mapping[str, Any]], *, threshold: float | None = None
    ) -> list[Prediction]: ...

    @overload
    def predict_many(self, records: FrameT, *, threshold: float | None = None) -> FrameT: ...

    @overload
    def predict_many(self, records: TableT, *, threshold: float | None = None) -> TableT: ...

    def predict_many(self, records: Any, *, threshold: float | None = None) -> Any:
        """Predict for many customers, in their order, and return what was given: a list, a DataFrame or an Arrow table.

        For a list of mappings, or an iterable of them, a list of predictions. For a pandas DataFrame one with the same
        index, for a `pyarrow.Table` one of as many rows: their columns are those that a scored file has, without the
        identifier. Tables are read as files are: other columns are ignored, `Yes` and `No` are booleans, blank cells
        are missing. Rows with a category that training did not see are warned of by UnseenCategoryWarning.

        Raises InvalidRecord with the faults of all bad records, `#/17/tenure` for one of the eighteenth; nothing is
        predicted then.
        """
        options = _options(threshold)
        if hasattr(records, "__arrow_c_stream__"):
            # Only here: who has no tables does without pyarrow.
            from churn_api.python_api.table_predictions import predict_table

            return predict_table(self._data_plane, self._current_model(), records, options)
        return self._predict_listed(_listed(records), options)

    def _predict_listed(self, records: list[Any], options: Options) -> list[Prediction]:
        rows = [plain_record(record) for record in records]
        if not rows:
            return []
        model = self._current_model()
        batch = model.reader.read_rows(rows, len(rows), within(), max_warnings=None)
        answer = self._data_plane.predict(model, batch, options, many=True)
        return predictions_of(answer, _by_row(batch))

    def __repr__(self) -> str:
        return f"<Predictor of {self._of}>"


def _options(threshold: float | None) -> Options:
    """Raises ValueError where a threshold is no probability."""
    if threshold is not None and not 0 <= threshold <= 1:
        raise ValueError("a threshold is a number from 0 to 1")
    return Options(threshold)


def _by_row(batch: Batch) -> list[list[Fault]]:
    """The warnings of each record, whose number their paths begin with."""
    by_row: list[list[Fault]] = [[] for _ in batch.positions]
    for warning in batch.warnings:
        by_row[int(warning.path[0])].append(warning)
    return by_row


def _listed(records: Iterable[Mapping[str, Any]]) -> list[Any]:
    if isinstance(records, Mapping | str | bytes):
        raise TypeError("predict_many takes a list of mappings; predict takes one")
    return list(records)
