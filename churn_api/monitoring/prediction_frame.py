"""A frame: the predictions of one answer, or of one block of a job, as a segment of the log has them.

A frame is MessagePack after a prefix with its length and checksum: what a killed process or a full disk cut off is
recognized, and what stands before it is read.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from churn_api.contract.signature import Signature

_PREFIX = struct.Struct("<II")
MAX_FRAME_BYTES = 1 << 30
"""A longer one is not a frame: zeros or other bytes that a crash of the machine has left."""


class LoggedFeature(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One feature of the records in a segment."""

    name: str
    type: str
    reference: str | None


class LoggedRecords(msgspec.Struct, array_like=True, gc=False):
    """n records with k numeric and m text features."""

    features: tuple[LoggedFeature, ...] | None
    """In the first frame of a version in each segment; None in the others."""
    numbers: bytes
    """n * k float32, record by record."""
    texts: list[str]
    """n * m texts, record by record."""


class Frame(msgspec.Struct, array_like=True, gc=False):
    """n predictions of one version."""

    number: int
    """Unique within the segment: the nonce of the identifiers' encryption."""
    at: int
    """Microseconds since 1970."""
    request_id: str | None
    block: int | None
    """Of a job: the number of the block, which may be scored and logged again after a kill."""
    model: str
    version: str
    variant: str
    threshold: float | None
    """None where it differs by customer."""
    first: int
    """The position of the block's first customer among all that were sent."""
    positions: bytes
    """n int32, relative to `first`; empty where all customers were valid."""
    probabilities: bytes
    """n float32."""
    decisions: bytes
    """n bytes: 1 for churn."""
    identifiers: bytes
    """n identifiers, encrypted; empty where none has one."""
    records: LoggedRecords | None


class CutOff(NamedTuple):
    """Bytes at the end of a segment that are no frame."""

    bytes: int


def logged_features(signature: Signature) -> tuple[LoggedFeature, ...]:
    """The features of a version's records, in the signature's order."""
    return tuple(LoggedFeature(feature.name, feature.type, feature.reference) for feature in signature.features)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Frame)
encode_identifiers: Callable[[list[Any]], bytes] = msgspec.msgpack.Encoder(enc_hook=str).encode
"""Identifiers as sent, None among them."""


def encode_frame(frame: Frame) -> bytes:
    """A frame with its prefix."""
    data = _encoder.encode(frame)
    return _PREFIX.pack(len(data), zlib.crc32(data)) + data


def decode_identifiers(data: bytes) -> list[Any]:
    """The same list, with other types than JSON's as text."""
    identifiers: list[Any] = msgspec.msgpack.decode(data)
    return identifiers


def decode_frames(data: memoryview) -> Iterator[Frame | CutOff]:
    """The frames of a segment without its header, then what is cut off at its end."""
    position = 0
    while position < len(data):
        frame, position_after = _frame_at(data, position)
        if frame is None:
            yield CutOff(len(data) - position)
            return
        yield frame
        position = position_after


def _frame_at(data: memoryview, position: int) -> tuple[Frame | None, int]:
    begin = position + _PREFIX.size
    if begin > len(data):
        return None, position
    length, checksum = _PREFIX.unpack(data[position:begin])
    content = data[begin : begin + length]
    if not 0 < length <= MAX_FRAME_BYTES or len(content) < length or zlib.crc32(content) != checksum:
        return None, position
    return _decoder.decode(content), begin + length
