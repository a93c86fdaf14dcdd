"""Golden tensors: inputs that follow from a card, and what a graph returned for them when it was packaged.

The inputs are computed with integers alone, so that every machine and every version of NumPy has the same ones.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn_api.registry.tensor_card import TensorCard
from churn_api.scoring.image_input import ImageInput
from churn_api.scoring.tensor_spec import FREE, TensorSpec

ROWS = 3
SIDE = 32
"""The size of a free dimension other than the rows."""
MAX_VALUES = 256
"""Values of an output that a card holds."""
TOLERANCE = 1e-3
"""The largest difference of two floats that count as equal, absolute or relative: processors round differently."""

_STEP, _MODULUS = 7919, 1009


def golden_inputs(card: TensorCard, rows: int = ROWS) -> dict[str, NDArray[Any]]:
    """The known inputs of a model, with so many rows where they are free."""
    return {spec.name: golden_input(spec, rows, card.image) for spec in card.inputs}


def golden_input(spec: TensorSpec, rows: int = ROWS, image: ImageInput | None = None) -> NDArray[Any]:
    """One known input: floats from 0 to 1, integers 0 and 1, truth values, or short texts."""
    shape = _shape(spec, rows, image)
    steps = np.arange(int(np.prod(shape)), dtype=np.int64) * _STEP % _MODULUS
    if spec.is_float:
        values: NDArray[Any] = steps / _MODULUS
    elif spec.datatype == "BYTES":
        values = np.array([f"text {step % 2}" for step in steps.tolist()], dtype=object)
    else:
        values = steps % 2
    return np.asarray(values).astype(spec.dtype).reshape(shape)


def golden_values(output: NDArray[Any]) -> tuple[Any, ...]:
    """The values of an output that a card keeps; a number that JSON cannot have is kept as a text."""
    plain = output.reshape(-1)[:MAX_VALUES].tolist()
    return tuple(str(value) if isinstance(value, float) and not np.isfinite(value) else value for value in plain)


def equal_to_golden(output: NDArray[Any], spec: TensorSpec, kept: Sequence[Any]) -> bool:
    """Whether an output is the one that the card keeps."""
    values = output.reshape(-1)[:MAX_VALUES]
    if output.dtype != spec.dtype or len(values) != len(kept):
        return False
    if not spec.is_float:
        return bool(values.tolist() == list(kept))
    expected = np.array([float(value) for value in kept])
    near = np.isclose(values.astype(np.float64), expected, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
    return bool(np.all(near))


def _shape(spec: TensorSpec, rows: int, image: ImageInput | None) -> tuple[int, ...]:
    first = tuple(rows if size == FREE else size for size in spec.shape[:1])
    return first + (image.shape if image else tuple(SIDE if size == FREE else size for size in spec.shape[1:]))
