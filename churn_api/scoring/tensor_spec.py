"""The tensors that a graph takes and returns: their names, element types and shapes, and what does not fit them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from churn_api.contract.faults import Fault, did_you_mean, format_choices

Datatype = Literal[
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES"
]
"""Element types by their names in the Open Inference Protocol; the elements of BYTES are texts."""

_DTYPES = dict(
    zip(get_args(Datatype), ["?", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "O"], strict=True)
)

Tensors = Mapping[str, NDArray[Any]]
"""Tensors by name."""

FREE = -1
"""A dimension of any size."""
MAX_RANK = 8
_MATRIX = 2
MAX_NAME_LENGTH = 128


class TensorSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One input or output of a graph."""

    name: str
    datatype: Datatype
    shape: tuple[int, ...]
    """The size of each dimension; FREE where any is taken."""

    def __post_init__(self) -> None:
        if not 0 < len(self.name) <= MAX_NAME_LENGTH or not self.name.isprintable():
            raise ValueError(f"a tensor's name has 1 to {MAX_NAME_LENGTH} printable characters")
        if len(self.shape) > MAX_RANK or any(size < 1 and size != FREE for size in self.shape):
            raise ValueError(f"a tensor has at most {MAX_RANK} dimensions, each of 1 or more, or {FREE} for any")

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its elements in NumPy."""
        return np.dtype(_DTYPES[self.datatype])

    @property
    def is_float(self) -> bool:
        """Whether its elements are floating-point numbers."""
        return self.dtype.kind == "f"

    @property
    def has_free_rows(self) -> bool:
        """Whether its first dimension is free, so that it holds any number of rows."""
        return self.shape[:1] == (FREE,)

    @property
    def is_matrix(self) -> bool:
        """Whether it holds one row, or any number of rows, of a fixed number of numbers."""
        return (
            len(self.shape) == _MATRIX
            and self.shape[0] in (1, FREE)
            and self.shape[1] != FREE
            and self.dtype.kind in "fiu"
        )

    def fits(self, shape: Sequence[int]) -> bool:
        """Whether a tensor of this shape may be sent."""
        return len(shape) == len(self.shape) and all(
            size == wanted or (wanted == FREE and size > 0) for size, wanted in zip(shape, self.shape, strict=True)
        )


def shape_in_words(shape: Sequence[int]) -> str:
    """A shape as a message shows it, with `any` for free dimensions."""
    return f"[{', '.join('any' if size == FREE else str(size) for size in shape)}]"


def tensor_faults(specs: Sequence[TensorSpec], tensors: Tensors) -> Iterator[Fault]:
    """What does not fit about tensors that were sent by name. The path of a fault is the tensor's name."""
    known = {spec.name: spec for spec in specs}
    for name in tensors.keys() - known.keys():
        hint = did_you_mean(name, known) or f"The model takes {format_choices(list(known))}."
        yield Fault("unknown-field", "Unknown input.", hint, (name[:MAX_NAME_LENGTH],))
    for name, spec in known.items():
        if name not in tensors:
            yield Fault("required", "This input is required.", path=(name,))
        elif tensors[name].dtype != spec.dtype:
            yield Fault("wrong-type", f"Must be a tensor of {spec.datatype}.", path=(name,))
        elif not spec.fits(tensors[name].shape):
            yield Fault("not-valid", f"Must have the shape {shape_in_words(spec.shape)}.", path=(name,))
    yield from _unequal_rows(known, tensors)


def _unequal_rows(known: Mapping[str, TensorSpec], tensors: Tensors) -> Iterator[Fault]:
    """A fault for each tensor with another number of rows than the first one; where rows are free in all."""
    if not all(spec.has_free_rows for spec in known.values()):
        return
    rows = {name: tensor.shape[0] for name, tensor in tensors.items() if name in known and tensor.ndim}
    for name, count in rows.items():
        if count != next(iter(rows.values())):
            yield Fault("not-valid", "Must have as many rows as the other inputs.", path=(name,))
