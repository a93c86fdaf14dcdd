"""Keys of customers: equal for one customer however the identifier is written, and of no use without the secret."""

import hmac

from hypothesis import given
from hypothesis import strategies as st

from churn_api.monitoring.customer_keys import KEY_BYTES, CustomerKeys

KEYS = CustomerKeys(b"a secret of 32 characters or more")


@given(st.binary(min_size=32, max_size=200), st.text(min_size=1, max_size=128))
def test_it_is_an_hmac(secret, identifier):
    """A key is the beginning of the identifier's HMAC-SHA256, whatever the length of the secret."""
    expected = hmac.digest(secret, identifier.encode("utf-8", "surrogatepass"), "sha256")
    assert CustomerKeys(secret).key(identifier) == expected[:KEY_BYTES]


def test_one_customer():
    """An integer of JSON, its text in a CSV and its double are one customer; no identifier is none."""
    assert KEYS.key(5) == KEYS.key("5") == KEYS.key(5.0)
    assert KEYS.keys([5, None, "6"]) == [KEYS.key(5), None, KEYS.key("6")]
    assert KEYS.key("6") != KEYS.key("5")
