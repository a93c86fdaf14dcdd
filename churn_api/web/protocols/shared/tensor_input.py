"""One input tensor of a request of the Open Inference Protocol."""

from collections.abc import Iterator, Mapping
from itertools import chain
from math import prod
from typing import Any, NamedTuple

from churn_api.contract.faults import Fault
from churn_api.contract.record import InvalidRecord
from churn_api.web.protocols.shared.tensor_datatypes import DATATYPES, Elements, NotElements, read_binary

MAX_DIMENSIONS = 8
JSON_LENGTH_HEADER = "Inference-Header-Content-Length"
"""The header that a body with binary tensors has: the length of the JSON before them."""
BINARY_SIZE = "binary_data_size"
"""The parameter of a tensor whose elements follow the JSON."""
CONTENT_TYPE = "content_type"
_AS_THEY_ARE = ("np", "pd", "str")
"""Content types of MLServer that mean what is done in any case; others would change the meaning of the elements."""
_SCALARS = frozenset({str, bool, int, float, type(None)})


class TensorInput(NamedTuple):
    """An input tensor whose elements have not been read yet, so that its size can be checked first."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: Any
    """The member `data` of the JSON, or the bytes of a binary tensor."""
    path: tuple[str | int, ...]
    """Where it is in the body."""

    def elements(self) -> Elements:
        """Its elements, flat, in row-major order: JSON scalars, texts, or an array. Raises InvalidRecord."""
        if not isinstance(self.data, bytes):
            return _flat_list(self.data, self.shape, (*self.path, "data"))
        try:
            return read_binary(self.datatype, self.data, prod(self.shape))
        except NotElements as error:
            raise InvalidRecord([Fault("malformed-tensor", str(error), path=self.path)]) from None


def read_members(entry: object, path: tuple[str | int, ...]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The members of an entry and those of its `parameters`, where null is as absent. Raises InvalidRecord."""
    if not isinstance(entry, dict):
        raise InvalidRecord([Fault("wrong-type", "Must be an object.", path=path)])
    parameters = entry.get("parameters")
    if parameters is None:
        return entry, {}
    if not isinstance(parameters, dict):
        raise InvalidRecord([Fault("wrong-type", "Must be an object.", path=(*path, "parameters"))])
    check_content_type(parameters, (*path, "parameters"))
    return entry, parameters


def check_content_type(parameters: Mapping[str, Any], path: tuple[str | int, ...]) -> None:
    """Raise InvalidRecord where the elements are encoded in a way that the datatype does not show."""
    if parameters.get(CONTENT_TYPE) not in (None, *_AS_THEY_ARE):
        known = ", ".join(_AS_THEY_ARE)
        raise InvalidRecord([Fault("not-a-choice", f"Must be one of: {known}.", path=(*path, CONTENT_TYPE))])


def read_tensor_input(
    members: Mapping[str, Any], parameters: Mapping[str, Any], path: tuple[str | int, ...], binary: bytes | None
) -> TensorInput:
    """Read an entry of `inputs`; `binary` has the bytes that belong to it, or is None. Raises InvalidRecord."""
    faults = [
        *_head_faults(members),
        *(_json_faults(members, parameters) if binary is None else _binary_faults(members)),
    ]
    if faults:
        raise InvalidRecord([fault.under(*path) for fault in faults])
    data = members["data"] if binary is None else binary
    return TensorInput(members["name"], members["datatype"], tuple(members["shape"]), data, path)


def _head_faults(members: Mapping[str, Any]) -> Iterator[Fault]:
    if not isinstance(members.get("name"), str):
        yield Fault("wrong-type", "Must be a string: the name of an input.", path=("name",))
    if members.get("datatype") not in DATATYPES:
        yield Fault("not-a-choice", f"Must be one of: {', '.join(DATATYPES)}.", path=("datatype",))
    if not _is_shape(members.get("shape")):
        message = f"Must be a list of at most {MAX_DIMENSIONS} whole numbers that are not negative."
        yield Fault("wrong-type", message, path=("shape",))


def _is_shape(shape: object) -> bool:
    return (
        isinstance(shape, list)
        and len(shape) <= MAX_DIMENSIONS
        and all(type(size) is int and size >= 0 for size in shape)
    )


def _json_faults(members: Mapping[str, Any], parameters: Mapping[str, Any]) -> Iterator[Fault]:
    if BINARY_SIZE in parameters:
        hint = f"Send the length of the JSON in the header {JSON_LENGTH_HEADER}."
        yield Fault("not-valid", "The body has no binary tensors.", hint, ("parameters", BINARY_SIZE))
    elif not isinstance(members.get("data"), list):
        yield Fault("wrong-type", "Must be a list of elements.", path=("data",))


def _binary_faults(members: Mapping[str, Any]) -> Iterator[Fault]:
    if members.get("data") is not None:
        yield Fault("sent-twice", "The elements are sent twice: here, and in binary form.", path=("data",))


def _flat_list(data: list[Any], shape: tuple[int, ...], path: tuple[str | int, ...]) -> list[Any]:
    """The elements of a list that is flat, or nested as the shape says. Raises InvalidRecord."""
    elements = data
    if data and isinstance(data[0], list):
        elements = _nested_elements(data, shape)
    if len(elements) == prod(shape) and _SCALARS.issuperset(map(type, elements)):
        return elements
    message = "Must hold as many elements as the shape says, in one list or nested as the shape says."
    raise InvalidRecord([Fault("not-valid", message, path=path)])


def _nested_elements(data: list[Any], shape: tuple[int, ...]) -> list[Any]:
    """The elements of a list that is nested as the shape says; the list itself where it is nested in another way."""
    level = [data]
    for size in shape:
        if not all(isinstance(part, list) and len(part) == size for part in level):
            return data
        level = list(chain.from_iterable(level))
    return level
