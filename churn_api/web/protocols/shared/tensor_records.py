"""Tensors as records: an input for each feature, with an element for each record."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from churn_api.contract.batch import Path
from churn_api.contract.faults import Fault, Words, bounded_hints, did_you_mean
from churn_api.contract.feature_attributes import MAX_NAME_LENGTH
from churn_api.contract.lenient_columns import Values
from churn_api.contract.record import MAX_UNKNOWN_LISTED, InvalidRecord
from churn_api.contract.record_schema import identifier_names
from churn_api.contract.signature import Signature
from churn_api.contract.size_limits import TooManyRows
from churn_api.web.protocols.shared.sent_records import SentRecords
from churn_api.web.protocols.shared.tensor_datatypes import NUMERIC, Elements
from churn_api.web.protocols.shared.tensor_input import TensorInput


def tensor_records(tensors: Sequence[TensorInput], signature: Signature, max_rows: int) -> SentRecords:
    """The records in input tensors, by column, with the places of their values in the body.

    Raises TooManyRows before any element is read, or InvalidRecord with every fault of names, shapes and elements.
    """
    with bounded_hints():
        faults = [*_name_faults(tensors, signature), *_shape_faults(tensors)]
    if faults:
        raise InvalidRecord(faults)
    if tensors[0].shape[0] > max_rows:
        raise TooManyRows(max_rows)
    paths = {tensor.name: tensor.path for tensor in tensors}

    def place(row: int | None, name: str | None) -> Path:
        path = paths.get(name or "", ("inputs",))
        return path if row is None or path == ("inputs",) else (*path, "data", row)

    return SentRecords(_columns(tensors), place)


def sends_identifiers(tensors: Sequence[TensorInput], signature: Signature) -> bool:
    """Whether one of the tensors has the records' identifiers."""
    return any(tensor.name in identifier_names(signature) for tensor in tensors)


def _columns(tensors: Sequence[TensorInput]) -> dict[str, Values]:
    columns, faults = dict[str, Values](), list[Fault]()
    for tensor in tensors:
        try:
            columns[tensor.name] = _exact(tensor)
        except InvalidRecord as error:
            faults += [fault._replace(message=f"{tensor.name}: {fault.message}") for fault in error.faults]
    if faults:
        raise InvalidRecord(faults)
    return columns


def _exact(tensor: TensorInput) -> Elements:
    """Elements, with those that FP32 or FP16 has rounded as the shortest decimals that it rounds so: 29.85."""
    elements, dtype = tensor.elements(), NUMERIC.get(tensor.datatype)
    if dtype is None or dtype.kind != "f" or dtype == np.float64:
        return elements
    if isinstance(elements, np.ndarray):
        return elements.astype(str).astype(np.float64)
    with np.errstate(over="ignore"):
        return [_shortest(element, dtype.type) if isinstance(element, float) else element for element in elements]


def _shortest(element: float, kind: type[np.floating[Any]]) -> float:
    """The shortest decimal of an element that was a number of this kind; any other element as it is."""
    rounded = kind(element)
    return float(str(rounded)) if float(rounded) == element else element


def _name_faults(tensors: Sequence[TensorInput], signature: Signature) -> Iterator[Fault]:
    """Faults of required features without an input, and of inputs that are neither features nor the target."""
    names = {tensor.name for tensor in tensors}
    for feature in signature.features:
        if feature.required and feature.name not in names:
            yield Fault("required", f"The input {feature.name!r} is required.", path=("inputs",))
    known = [*(feature.name for feature in signature.features), *identifier_names(signature)]
    words = Words(known)
    unknown = [tensor for tensor in tensors if tensor.name not in (*known, signature.target.name)]
    for tensor in unknown[:MAX_UNKNOWN_LISTED]:
        message = f"There is no input {tensor.name[:MAX_NAME_LENGTH]!r}."
        yield Fault("unknown-input", message, did_you_mean(tensor.name, words), (*tensor.path, "name"))


def _shape_faults(tensors: Sequence[TensorInput]) -> Iterator[Fault]:
    """Faults of shapes other than [n] and [n, 1], where n is what most inputs have, and of n = 0."""
    ((rows, _),) = Counter(tensor.shape[:1] for tensor in tensors).most_common(1)
    for tensor in tensors:
        if tensor.shape[1:] not in ((), (1,)) or not tensor.shape:
            message = "Must be [n] or [n, 1] for n records."
        elif tensor.shape[:1] != rows:
            message = "Must begin with the same number of records as the other inputs."
        elif tensor.shape[0] == 0:
            message = "Must hold at least one record."
        else:
            continue
        yield Fault("not-valid", f"{tensor.name[:MAX_NAME_LENGTH]!r}: {message}", path=(*tensor.path, "shape"))
