"""Predictor: a model as a Python object. It reads and scores records in the same way as the HTTP API."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, overload

from churn_api.contract.batch import Batch, paths_in_list
from churn_api.contract.faults import Fault
from churn_api.contract.signature import Signature
from churn_api.contract.size_limits import MAX_REASONS
from churn_api.python_api.plain_values import plain_record
from churn_api.python_api.prediction import Prediction, predictions_of
from churn_api.reasons.catalogue import DEFAULT_LANGUAGE, catalogues
from churn_api.registry.card import Card
from churn_api.registry.model import Model
from churn_api.serving.data_plane import DataPlane
from churn_api.serving.prediction_options import Options


class RowLike(Protocol):
    """A row of a DataFrame, or a similar object that is not registered as a Mapping."""

    def keys(self) -> Iterable[Any]:
        """The names of its fields."""
        ...

    def __getitem__(self, name: str, /) -> Any: ...


class FrameLike(Protocol):
    """A pandas DataFrame, as a protocol so that type checkers need no pandas."""

    @property
    def index(self) -> Any:
        """The labels of its rows."""
        ...

    @property
    def columns(self) -> Any:
        """The labels of its columns."""
        ...


class TableLike(Protocol):
    """An Arrow table."""

    @property
    def num_rows(self) -> int:
        """The number of rows."""
        ...

    @property
    def column_names(self) -> list[str]:
        """The names of its columns."""
        ...


FrameT = TypeVar("FrameT", bound=FrameLike)
TableT = TypeVar("TableT", bound=TableLike)


class Predictor:
    """Predicts with one model. Create it with `churn_api.load` or `churn_api.predictor`.

    It is thread-safe, and may be used in processes forked after its creation.
    """

    def __init__(
        self, current_model: Callable[[], Model], data_plane: DataPlane, description: str, *, pinned: bool = False
    ) -> None:
        """`pinned`: the version is chosen, and takes part in no experiment."""
        self._current_model = current_model
        self._data_plane = data_plane
        self._description = description
        self._pinned = pinned

    @property
    def card(self) -> Card:
        """The model's card: metrics, policy, provenance."""
        return self._current_model().card

    @property
    def signature(self) -> Signature:
        """The model's input contract."""
        return self.card.signature

    def predict(
        self,
        record: Mapping[str, Any] | RowLike,
        *,
        threshold: float | None = None,
        reasons: int = 0,
        language: str = DEFAULT_LANGUAGE,
    ) -> Prediction:
        """Predict for one customer: a mapping of the signature's fields to values, or a row of a DataFrame.

        Values may be NumPy scalars; None, NaN and pandas' NA and NaT are missing values. `threshold`, in [0, 1],
        replaces the model's own. With `reasons`, at most 20, the prediction has so many, with texts in a language, such
        as "de". Raises InvalidRecord with every fault, NoReasons where the model gives none, or ValueError where an
        option is not valid.
        """
        model = self._current_model()
        batch = model.reader.read_record(plain_record(record))
        answer = self._data_plane.predict(model, batch, self._options(threshold, reasons, language), many=False)
        (prediction,) = predictions_of(answer, [batch.warnings], language)
        return prediction

    @overload
    def predict_many(
        self,
        records: Sequence[Mapping[str, Any]],
        *,
        threshold: float | None = None,
        reasons: int = 0,
        language: str = DEFAULT_LANGUAGE,
    ) -> list[Prediction]: ...

    @overload
    def predict_many(
        self, records: FrameT, *, threshold: float | None = None, reasons: int = 0, language: str = DEFAULT_LANGUAGE
    ) -> FrameT: ...

    @overload
    def predict_many(
        self, records: TableT, *, threshold: float | None = None, reasons: int = 0, language: str = DEFAULT_LANGUAGE
    ) -> TableT: ...

    def predict_many(
        self,
        records: Any,
        *,
        threshold: float | None = None,
        reasons: int = 0,
        language: str = DEFAULT_LANGUAGE,
    ) -> Any:
        """Predict for many customers, in order; returns the same kind of object: a list, a DataFrame or an Arrow table.

        An iterable of mappings gives a list of predictions. A pandas DataFrame gives a DataFrame with the same index,
        and a `pyarrow.Table` a table with as many rows; their columns are those of a scored file, without the
        identifier. Tables are read by the same rules as files: unknown columns are ignored, `Yes` and `No` are
        booleans, blank cells are missing. Out-of-vocabulary categories cause an UnseenCategoryWarning,
        and numbers far outside the range that training saw an OutsideTrainingWarning.

        Raises InvalidRecord with the faults of all invalid records (`#/17/tenure` is a field of the eighteenth record);
        there are no predictions then. `threshold`, `reasons` and `language` are those of `predict`; a table gets the
        columns `reason_1`, `reason_1_contribution`, `reason_2` and so on.
        """
        options = self._options(threshold, reasons, language)
        if hasattr(records, "__arrow_c_stream__"):
            # Imported here, so that callers without tables need no pyarrow.
            from churn_api.python_api.table_predictions import predict_table

            return predict_table(self._data_plane, self._current_model(), records, options)
        return self._predict_list(_as_list(records), options, language)

    def _predict_list(self, records: list[Any], options: Options, language: str) -> list[Prediction]:
        rows = [plain_record(record) for record in records]
        if not rows:
            return []
        model = self._current_model()
        batch = model.reader.read_rows(rows, len(rows), paths_in_list(), max_warnings=None)
        answer = self._data_plane.predict(model, batch, options, many=True)
        return predictions_of(answer, _warnings_by_row(batch), language)

    def _options(self, threshold: float | None, reasons: int, language: str) -> Options:
        return _options(threshold, reasons, language)._replace(pinned=self._pinned)

    def __repr__(self) -> str:
        return f"<Predictor of {self._description}>"


def _options(threshold: float | None, reasons: int, language: str) -> Options:
    """Raises ValueError where an option is not valid."""
    if threshold is not None and not 0 <= threshold <= 1:
        raise ValueError("a threshold is a number from 0 to 1")
    if not 0 <= reasons <= MAX_REASONS:
        raise ValueError(f"there are at most {MAX_REASONS} reasons")
    if language not in catalogues():
        raise ValueError(f"the languages are {', '.join(catalogues())}")
    return Options(threshold, reasons=reasons)


def _warnings_by_row(batch: Batch) -> list[list[Fault]]:
    """The warnings of each record; a warning's path begins with the index of its record."""
    by_row: list[list[Fault]] = [[] for _ in batch.positions]
    for warning in batch.warnings:
        by_row[int(warning.path[0])].append(warning)
    return by_row


def _as_list(records: Iterable[Mapping[str, Any]]) -> list[Any]:
    if isinstance(records, Mapping | str | bytes):
        raise TypeError("predict_many takes a list of mappings; predict takes one")
    return list(records)
