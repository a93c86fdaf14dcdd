"""Predictor: a model to call from Python. Records are read and scored as those that come over HTTP are."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from churn_api.contract.batch import Batch, within
from churn_api.contract.faults import Fault
from churn_api.contract.signature import Signature
from churn_api.python_api.plain_values import plain_record
from churn_api.python_api.prediction import Prediction, predictions_of
from churn_api.registry.card import Card
from churn_api.registry.model import Model
from churn_api.serving.data_plane import DataPlane, Options


class Predictor:
    """Predicts with one model. Made by `churn_api.load` or `churn_api.predictor`.

    May be used by many threads at once, and in processes that are forked after it was made.
    """

    def __init__(self, current_model: Callable[[], Model], data_plane: DataPlane) -> None:
        self._current_model = current_model
        self._data_plane = data_plane

    @property
    def card(self) -> Card:
        """Everything about the model that is not the model itself: metrics, policy, where it comes from."""
        return self._current_model().card

    @property
    def signature(self) -> Signature:
        """What a record of the model is."""
        return self.card.signature

    def predict(self, record: Mapping[str, Any], *, threshold: float | None = None) -> Prediction:
        """Predict for one customer: a mapping of the signature's fields to values.

        Values may be scalars of NumPy; None, NaN and pandas' NA and NaT are missing values. `threshold`, in [0, 1],
        takes the place of the model's own. Raises InvalidRecord with every fault.
        """
        model = self._current_model()
        batch = model.reader.read_record(plain_record(record))
        answer = self._data_plane.predict(model, batch, _options(threshold), many=False)
        (prediction,) = predictions_of(answer, [batch.warnings])
        return prediction

    def predict_many(self, records: Iterable[Mapping[str, Any]], *, threshold: float | None = None) -> list[Prediction]:
        """Predict for many customers: a list with one prediction for each mapping, in their order.

        Raises InvalidRecord with the faults of all bad records, `#/17/tenure` for one of the eighteenth; nothing is
        predicted then.
        """
        options = _options(threshold)
        rows = [plain_record(record) for record in _listed(records)]
        if not rows:
            return []
        model = self._current_model()
        batch = model.reader.read_rows(rows, len(rows), within(), max_warnings=None)
        answer = self._data_plane.predict(model, batch, options, many=True)
        return predictions_of(answer, _by_row(batch))

    def __repr__(self) -> str:
        return f"<Predictor: version {self.card.version} of {self.card.name!r}>"


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
