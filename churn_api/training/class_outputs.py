"""Which output of a graph has a number for each label, seen from what it returns for known inputs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.faults import format_choices
from churn_api.scoring.class_scores import ClassScores
from churn_api.scoring.tensor_spec import shape_in_words
from churn_api.training.training_error import TrainingError

_NEAR = 1e-3


def class_scores(labels: Sequence[str], returned: Mapping[str, NDArray[Any]], rows: int) -> ClassScores:
    """The output with a number for each label: probabilities where each row adds up to 1, else logits.

    Of several the first with probabilities. Raises TrainingError where there is none.
    """
    fitting = [name for name, array in returned.items() if _fits(array, len(labels))]
    if not fitting:
        shapes = [f"{name} {shape_in_words(array.shape)}" for name, array in returned.items()]
        raise TrainingError(
            f"no output has a number for each of the {len(labels)} labels: the graph returned "
            f"{format_choices(shapes)} for up to {rows} rows"
        )
    best = next((name for name in fitting if _are_probabilities(returned[name])), None)
    if best is not None:
        return ClassScores(output=best, kind="probabilities")
    return ClassScores(output=fitting[0], kind="logits")


def _fits(array: NDArray[Any], labels: int) -> bool:
    return array.dtype.kind == "f" and array.ndim > 1 and array.size == len(array) * labels


def _are_probabilities(array: NDArray[Any]) -> bool:
    values = array.reshape(len(array), -1).astype(np.float64)
    inside = np.all((values >= -_NEAR) & (values <= 1 + _NEAR))
    return bool(inside and np.all(np.abs(values.sum(axis=1) - 1) <= _NEAR))
