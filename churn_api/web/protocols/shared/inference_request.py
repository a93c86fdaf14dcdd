"""A request of the Open Inference Protocol: JSON, and the binary tensors behind it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from churn_api.contract.faults import Fault, FirstFaults
from churn_api.contract.record import InvalidRecord
from churn_api.web.protocols.shared.tensor_input import BINARY_SIZE, TensorInput, read_members, read_tensor_input

BINARY_OUTPUT, BINARY_OUTPUTS = "binary_data", "binary_data_output"
"""The parameters that ask for binary tensors: of an output, and of the request for all outputs."""
_UNSUPPORTED = ("classification", "shared_memory_region", "shared_memory_offset", "shared_memory_byte_size")
"""Parameters of extensions that are not offered: ignoring one would give another answer than the one asked for."""


class RequestedOutput(NamedTuple):
    """An output that the client asks for."""

    name: str
    binary: bool
    path: tuple[str | int, ...]
    """Where it is in the body."""


class InferenceRequest(NamedTuple):
    """A request whose tensors are not read yet."""

    id: str | None
    inputs: Sequence[TensorInput]
    outputs: Sequence[RequestedOutput]
    """Empty where all are wanted."""
    binary: bool
    """Whether the client wants binary tensors where it names no outputs."""
    parameters: Mapping[str, Any]


def read_inference_request(payload: object, binary: bytes | None) -> InferenceRequest:
    """Read parsed JSON and the bytes behind it, None where the request has no binary part.

    Raises InvalidRecord with every fault.
    """
    body, parameters = read_members(payload, ())
    faults = FirstFaults()
    request_id = body.get("id")
    if not isinstance(request_id, str | None):
        faults.add([Fault("wrong-type", "Must be a string.", path=("id",))])
    default = _flag(parameters, BINARY_OUTPUTS, ("parameters",), default=False, faults=faults)
    inputs = list(_read_inputs(_entries(body, "inputs", faults), binary, faults))
    outputs = list(_read_outputs(_entries(body, "outputs", faults), default, faults))
    if not faults.first:
        _check_unique((*inputs,), faults)
        _check_unique((*outputs,), faults)
    if faults.first:
        raise InvalidRecord(faults.first, faults.more)
    return InferenceRequest(request_id, inputs, outputs, default, parameters)


def _entries(body: Mapping[str, Any], name: str, faults: FirstFaults) -> list[object]:
    """The list `inputs`, which must not be empty, or `outputs`, which may be empty, null or absent."""
    entries = body.get(name)
    if entries is None and name == "outputs":
        return []
    if not isinstance(entries, list):
        faults.add([Fault("wrong-type", "Must be a list of objects.", path=(name,))])
        return []
    if not entries and name == "inputs":
        faults.add([Fault("empty", "Must hold at least one input.", path=(name,))])
    return entries


def _read_inputs(entries: Sequence[object], binary: bytes | None, faults: FirstFaults) -> Iterator[TensorInput]:
    end = 0
    for position, entry in enumerate(entries):
        path = ("inputs", position)
        try:
            members, parameters = read_members(entry, path)
            size = None if binary is None else _binary_size(parameters, path)
            start, end = end, end + (size or 0)
            part = None if binary is None or size is None else binary[start:end]
            yield read_tensor_input(members, parameters, path, part)
        except InvalidRecord as error:
            faults.add(error.faults)
    if binary is not None and not faults.first and end != len(binary):
        message = f"The binary tensors take {end} bytes, and {len(binary)} bytes follow the JSON."
        faults.add([Fault("malformed-tensor", message, path=("inputs",))])


def _binary_size(parameters: Mapping[str, Any], path: tuple[str | int, ...]) -> int | None:
    """How many bytes of the binary part belong to an input; None for none. Raises InvalidRecord."""
    size = parameters.get(BINARY_SIZE)
    if size is None or (type(size) is int and size >= 0):
        return size
    raise InvalidRecord([Fault("wrong-type", "Must be a number of bytes.", path=(*path, "parameters", BINARY_SIZE))])


def _read_outputs(entries: Sequence[object], default: bool, faults: FirstFaults) -> Iterator[RequestedOutput]:
    for position, entry in enumerate(entries):
        path = ("outputs", position)
        try:
            members, parameters = read_members(entry, path)
        except InvalidRecord as error:
            faults.add(error.faults)
            continue
        name = members.get("name")
        if not isinstance(name, str):
            faults.add([Fault("wrong-type", "Must be a string: the name of an output.", path=(*path, "name"))])
            continue
        unsupported = [one for one in _UNSUPPORTED if parameters.get(one) is not None]
        faults.add([Fault("not-valid", "This is not offered.", path=(*path, "parameters", one)) for one in unsupported])
        binary = _flag(parameters, BINARY_OUTPUT, (*path, "parameters"), default=default, faults=faults)
        yield RequestedOutput(name, binary, path)


def _flag(
    parameters: Mapping[str, Any], name: str, path: tuple[str | int, ...], *, default: bool, faults: FirstFaults
) -> bool:
    value = parameters.get(name)
    if not isinstance(value, bool | None):
        faults.add([Fault("wrong-type", "Must be true or false.", path=(*path, name))])
    return default if value is None else bool(value)


def _check_unique(entries: Sequence[TensorInput] | Sequence[RequestedOutput], faults: FirstFaults) -> None:
    seen = set[str]()
    for entry in entries:
        if entry.name in seen:
            faults.add([Fault("sent-twice", "There is another one with this name.", path=(*entry.path, "name"))])
        seen.add(entry.name)
