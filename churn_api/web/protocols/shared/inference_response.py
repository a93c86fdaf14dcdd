"""A response of the Open Inference Protocol: JSON, and the binary tensors behind it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson

from churn_api.web.protocols.shared.tensor_datatypes import Elements, write_binary
from churn_api.web.protocols.shared.tensor_input import BINARY_SIZE

BINARY = "binary_tensor_data"
"""The name of the extension that adds binary tensors to the protocol."""


class TensorOutput(NamedTuple):
    """An output tensor."""

    name: str
    datatype: str
    shape: Sequence[int]
    elements: Elements
    """Flat, in row-major order."""
    binary: bool = False
    """Whether the client wants its binary form."""


class InferenceResponse(NamedTuple):
    """The body of a response."""

    body: bytes
    json_bytes: int | None
    """The length of the JSON, where binary tensors follow it."""


def write_inference_response(head: dict[str, Any], outputs: Sequence[TensorOutput]) -> InferenceResponse:
    """The body with `head`'s members and the outputs, in order."""
    tensors = [write_binary(output.datatype, output.elements) for output in outputs if output.binary]
    sizes = iter(tensors)
    entries = [_entry(output, len(next(sizes)) if output.binary else None) for output in outputs]
    text = orjson.dumps(head | {"outputs": entries})
    if not tensors:
        return InferenceResponse(text, None)
    return InferenceResponse(b"".join((text, *tensors)), len(text))


def _entry(output: TensorOutput, size: int | None) -> dict[str, Any]:
    entry = {"name": output.name, "datatype": output.datatype, "shape": output.shape}
    if size is not None:
        return entry | {"parameters": {BINARY_SIZE: size}}
    elements = output.elements
    return entry | {"data": elements.tolist() if isinstance(elements, np.ndarray) else elements}
