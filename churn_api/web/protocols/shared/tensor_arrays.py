"""Input tensors of a request -> the arrays that a tensor model takes, or what is wrong with them."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.faults import Fault, FirstFaults, bounded_hints, did_you_mean
from churn_api.contract.feature_attributes import MAX_NAME_LENGTH
from churn_api.contract.record import InvalidRecord
from churn_api.contract.size_limits import TooManyRows
from churn_api.registry.tensor_card import TensorCard
from churn_api.scoring.tensor_spec import TensorSpec, shape_in_words
from churn_api.web.protocols.shared.tensor_datatypes import BOOL, BYTES
from churn_api.web.protocols.shared.tensor_input import TensorInput


def input_arrays(card: TensorCard, tensors: Sequence[TensorInput], max_rows: int) -> dict[str, NDArray[Any]]:
    """The arrays by name. Names, types and shapes are checked before any element is read.

    Raises InvalidRecord with every fault, or TooManyRows.
    """
    with bounded_hints():
        faults = [*_name_faults(card, tensors), *_head_faults(card, tensors)]
    if faults:
        raise InvalidRecord(faults)
    if card.inputs[0].has_free_rows and tensors[0].shape[0] > max_rows:
        raise TooManyRows(max_rows)
    specs = {spec.name: spec for spec in card.inputs}
    arrays, wrong = dict[str, NDArray[Any]](), FirstFaults()
    for tensor in tensors:
        try:
            arrays[tensor.name] = _array(tensor, specs[tensor.name])
        except InvalidRecord as error:
            wrong.add(error.faults)
    if wrong.first:
        raise InvalidRecord(wrong.first, wrong.more)
    return arrays


def _name_faults(card: TensorCard, tensors: Sequence[TensorInput]) -> Iterator[Fault]:
    sent, known = {tensor.name for tensor in tensors}, [spec.name for spec in card.inputs]
    for name in known:
        if name not in sent:
            yield Fault("required", f"The input {name!r} is required.", path=("inputs",))
    for tensor in tensors:
        if tensor.name not in known:
            message = f"There is no input {tensor.name[:MAX_NAME_LENGTH]!r}."
            yield Fault("unknown-input", message, did_you_mean(tensor.name, known), (*tensor.path, "name"))


def _head_faults(card: TensorCard, tensors: Sequence[TensorInput]) -> Iterator[Fault]:
    """Faults of types and shapes."""
    specs = {spec.name: spec for spec in card.inputs}
    rows = {tensor.shape[:1] for tensor in tensors if tensor.name in specs and specs[tensor.name].has_free_rows}
    for tensor in tensors:
        spec = specs.get(tensor.name)
        if spec is None:
            continue
        if tensor.datatype != spec.datatype:
            yield Fault("not-valid", f"{spec.name!r}: Must be {spec.datatype}.", path=(*tensor.path, "datatype"))
        if not spec.fits(tensor.shape):
            message = f"{spec.name!r}: Must be {shape_in_words(spec.shape)}, with at least one element."
            yield Fault("not-valid", message, path=(*tensor.path, "shape"))
        elif card.has_free_rows and len(rows) > 1:
            message = f"{spec.name!r}: Must begin with the same number of rows as the other inputs."
            yield Fault("not-valid", message, path=(*tensor.path, "shape"))


def _array(tensor: TensorInput, spec: TensorSpec) -> NDArray[Any]:
    """A tensor as an array of its input's type. Raises InvalidRecord."""
    elements = tensor.elements()
    if not isinstance(elements, np.ndarray):
        faults = FirstFaults()
        faults.add(list(_element_faults(elements, spec, (*tensor.path, "data"))))
        if faults.first:
            raise InvalidRecord(faults.first, faults.more)
        elements = _gaps_as_nan(elements, spec)
    return np.asarray(elements, spec.dtype).reshape(tensor.shape)


def _gaps_as_nan(elements: Sequence[Any], spec: TensorSpec) -> Sequence[Any]:
    return [np.nan if element is None else element for element in elements] if spec.is_float else elements


def _element_faults(elements: Sequence[Any], spec: TensorSpec, path: tuple[str | int, ...]) -> Iterator[Fault]:
    for index, element in enumerate(elements):
        message = _complaint(element, spec)
        if message:
            yield Fault("wrong-type", f"{spec.name!r}: {message}", path=(*path, index))


def _complaint(element: Any, spec: TensorSpec) -> str:
    """Why an element of JSON is none of the input's type; empty where it is one. Some clients write 1.0 for 1."""
    if spec.datatype == BYTES:
        return "" if isinstance(element, str) else "Must be a string."
    if element is None and spec.is_float:
        return ""
    if spec.datatype == BOOL:
        return "" if element in (True, False) else "Must be true or false."
    if isinstance(element, bool) or not isinstance(element, int | float):
        return "Must be a number."
    return _number_complaint(element, spec)


def _number_complaint(number: float, spec: TensorSpec) -> str:
    if spec.is_float:
        return (
            "" if abs(number) <= float(np.finfo(spec.dtype).max) else f"Must be a number that {spec.datatype} can hold."
        )
    limits = np.iinfo(spec.dtype)
    held = limits.min <= number <= limits.max
    return "" if held and number == int(number) else f"Must be an integer that {spec.datatype} can hold."
