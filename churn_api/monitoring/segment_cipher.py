"""Encrypts the identifiers in a segment, until compaction replaces them by customers' keys.

Making the keys of a batch takes a quarter of the time of scoring it, encrypting its identifiers a thousandth. The
key is of one segment, from a random salt, so numbers of frames are never used twice as nonces.
"""

import hmac
import secrets
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from churn_api.monitoring.prediction_frame import decode_identifiers, encode_identifiers

MAGIC = b"churn-api log 1\n"
SALT_BYTES = 16
HEADER_BYTES = len(MAGIC) + SALT_BYTES
_NONCE_BYTES = 12


class OtherSegment(Exception):
    """The file is no segment, or its identifiers were encrypted with another LOG_SECRET."""


def new_header() -> bytes:
    """The first bytes of a new segment."""
    return MAGIC + secrets.token_bytes(SALT_BYTES)


class SegmentCipher:
    """The cipher of one segment. Raises OtherSegment where the header is not one."""

    def __init__(self, secret: bytes, header: bytes) -> None:
        if len(header) != HEADER_BYTES or not header.startswith(MAGIC):
            raise OtherSegment("not a segment of this release")
        self._cipher = AESGCM(hmac.digest(secret, b"segment" + header, "sha256"))

    def encrypt(self, number: int, identifiers: list[Any]) -> bytes:
        """The identifiers of a frame; empty where none was sent."""
        # The first one says it of most lists, without a look at the others.
        if identifiers[0] is None and identifiers.count(None) == len(identifiers):
            return b""
        return self._cipher.encrypt(_nonce(number), encode_identifiers(identifiers), None)

    def decrypt(self, number: int, encrypted: bytes, count: int) -> list[Any]:
        """The `count` identifiers of a frame. Raises OtherSegment."""
        if not encrypted:
            return [None] * count
        try:
            return decode_identifiers(self._cipher.decrypt(_nonce(number), encrypted, None))
        except InvalidTag:
            raise OtherSegment("its identifiers were encrypted with another LOG_SECRET") from None


def _nonce(number: int) -> bytes:
    return number.to_bytes(_NONCE_BYTES, "big")
