"""The datatypes of the Open Inference Protocol, and their binary form: little-endian, without padding."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

BOOL, INT64, FP64, BYTES = "BOOL", "INT64", "FP64", "BYTES"
NUMERIC: Mapping[str, np.dtype[Any]] = {
    BOOL: np.dtype(np.bool_),
    **{f"UINT{8 * size}": np.dtype(f"<u{size}") for size in (1, 2, 4, 8)},
    **{f"INT{8 * size}": np.dtype(f"<i{size}") for size in (1, 2, 4, 8)},
    **{f"FP{8 * size}": np.dtype(f"<f{size}") for size in (2, 4, 8)},
}
"""All datatypes but BYTES."""
DATATYPES = (*NUMERIC, BYTES)
LENGTH_BYTES = 4
"""The size of the length that precedes an element of BYTES."""

Elements = Sequence[Any] | NDArray[Any]
"""The elements of a tensor, flat, in row-major order."""


class NotElements(ValueError):
    """Bytes that are not the elements of a tensor. The text contains none of them."""


def read_binary(datatype: str, data: bytes, count: int) -> Elements:
    """The `count` elements of a binary tensor: an array, which shares memory with `data`, or a list of texts.

    Raises NotElements.
    """
    if datatype == BYTES:
        return _read_texts(data, count)
    dtype = NUMERIC[datatype]
    if len(data) != count * dtype.itemsize:
        raise NotElements(f"{count} elements of {datatype} take {count * dtype.itemsize} bytes.")
    if datatype == BOOL and np.any(np.frombuffer(data, np.uint8) > 1):
        raise NotElements("An element of BOOL is a byte that is 0 or 1.")
    return np.frombuffer(data, dtype)


def write_binary(datatype: str, elements: Elements) -> bytes:
    """The binary form of a tensor's elements; those of BYTES are texts."""
    if datatype != BYTES:
        return np.ascontiguousarray(elements, NUMERIC[datatype]).tobytes()
    texts = [text.encode() for text in elements]
    return b"".join(part for text in texts for part in (len(text).to_bytes(LENGTH_BYTES, "little"), text))


def _read_texts(data: bytes, count: int) -> list[str]:
    if count * LENGTH_BYTES > len(data):
        raise NotElements(f"{count} elements of {BYTES} take at least {count * LENGTH_BYTES} bytes.")
    parts, end = [], 0
    for _ in range(count):
        start = end + LENGTH_BYTES
        end = start + int.from_bytes(data[end:start], "little")
        parts.append(data[start:end])
    if end != len(data):
        raise NotElements(f"The lengths of {count} elements of {BYTES} do not add up to the size of the tensor.")
    try:
        # Columns repeat few texts: each is decoded once.
        texts = {part: part.decode() for part in set(parts)}
    except UnicodeDecodeError:
        raise NotElements(f"An element of {BYTES} is not UTF-8.") from None
    return [texts[part] for part in parts]
