"""Encrypts the identifiers in a segment, until compaction replaces them by customers' keys.

Making the keys of a batch takes a quarter of the time of scoring it, encrypting its identifiers a thousandth. Both
ciphers have a key of the one segment, from a random salt, so the numbers of its frames are never used twice as nonces.
"""

import hmac
import secrets
from hashlib import blake2b
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from churn_api.monitoring.prediction_frame import decode_identifiers, encode_identifiers

MAGIC = b"churn-api log 1\n"
_SALT_BYTES = _CHECK_BYTES = 16
HEADER_BYTES = len(MAGIC) + _SALT_BYTES + _CHECK_BYTES
_NONCE_BYTES = 12
_SHORT_BYTES = 64
"""The most that one BLAKE2b gives: up to so many bytes it is the key stream. In a request that scores one customer,
OpenSSL, whose code is in no cache then, takes 20 us for AES, and BLAKE2b one or two."""


class OtherSegment(Exception):
    """The file is no segment, or its identifiers were encrypted with another LOG_SECRET."""


def new_header(secret: bytes) -> bytes:
    """The first bytes of a new segment: a salt, and what shows whether a secret is the one it was written with."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return MAGIC + salt + _derived(secret, b"check", salt)[:_CHECK_BYTES]


class SegmentCipher:
    """The cipher of one segment. Raises OtherSegment where the header is not one of this secret."""

    def __init__(self, secret: bytes, header: bytes) -> None:
        salt, check = header[len(MAGIC) : -_CHECK_BYTES], header[-_CHECK_BYTES:]
        if len(header) != HEADER_BYTES or not header.startswith(MAGIC):
            raise OtherSegment("not a segment of this release")
        if not hmac.compare_digest(check, _derived(secret, b"check", salt)[:_CHECK_BYTES]):
            raise OtherSegment("its identifiers were encrypted with another LOG_SECRET")
        self._short_key = _derived(secret, b"short", salt)
        self._cipher = AESGCM(_derived(secret, b"long", salt))

    def encrypt(self, number: int, identifiers: list[Any]) -> bytes:
        """The identifiers of a frame; empty where none was sent."""
        # The first one says it of most lists, without a look at the others.
        if identifiers[0] is None and identifiers.count(None) == len(identifiers):
            return b""
        data = encode_identifiers(identifiers)
        nonce = number.to_bytes(_NONCE_BYTES, "big")
        if len(data) <= _SHORT_BYTES:
            return self._combined(nonce, data)
        return self._cipher.encrypt(nonce, data, None)

    def decrypt(self, number: int, encrypted: bytes, count: int) -> list[Any]:
        """The `count` identifiers of a frame. Raises OtherSegment where they were changed."""
        if not encrypted:
            return [None] * count
        nonce = number.to_bytes(_NONCE_BYTES, "big")
        if len(encrypted) <= _SHORT_BYTES:
            return decode_identifiers(self._combined(nonce, encrypted))
        try:
            return decode_identifiers(self._cipher.decrypt(nonce, encrypted, None))
        except InvalidTag:
            raise OtherSegment("its identifiers were changed") from None

    def _combined(self, nonce: bytes, data: bytes) -> bytes:
        """Data combined with the key stream of a nonce, which encrypts it, or decrypts it again."""
        size = len(data)
        stream = blake2b(nonce, digest_size=size, key=self._short_key).digest()
        return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")


def _derived(secret: bytes, purpose: bytes, salt: bytes) -> bytes:
    """A key of 32 bytes for one purpose in one segment."""
    return hmac.digest(secret, b"segment " + purpose + salt, "sha256")
