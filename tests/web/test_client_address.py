"""The client's address in X-Forwarded-For."""

import pytest

from churn_api.web.core.client_address import address_of

PROXY, LOAD_BALANCER = "10.0.0.1", "10.0.9.9"
TRUSTED = ("10.0.0.0/8", "2001:db8:ffff::/48", "unix")


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:49152", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[::ffff:203.0.113.7]:49152", "203.0.113.7"),
        ("[2001:DB8::7]", "2001:db8::7"),
        ("[2001:db8::7]:49152", "2001:db8::7"),
        ("2001:db8:0::7", "2001:db8::7"),
        ("fe80::7%a forged word", "fe80::7"),
        ("203.0.113.7:49152, 10.0.9.9:443", "203.0.113.7"),
        ("203.0.113.7, ::ffff:10.0.9.9", "203.0.113.7"),
        ("203.0.113.7, [2001:db8:ffff::1]:443", "203.0.113.7"),
        ("1.2.3.4, 203.0.113.7, 10.0.9.9", "203.0.113.7"),
        ("203.0.113.7, unknown, 10.0.9.9", LOAD_BALANCER),
        ("unknown", PROXY),
        ("203.0.113.7:99999", PROXY),
        ("[203.0.113.7]", PROXY),
        ("<script>", PROXY),
        ("", PROXY),
    ],
)
def test_as_proxies_write_it(forwarded, address):
    """An address with a port, brackets, a zone, or as IPv4 inside IPv6 is the same; anything else is ignored."""
    assert address_of({"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": forwarded}, TRUSTED) == address


@pytest.mark.parametrize("peer", ["::ffff:10.0.0.1", "2001:db8:ffff::1", "", None])
def test_proxies_that_are_trusted(peer):
    """A proxy is recognized on a dual-stack socket, and on a Unix socket."""
    environ = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": "203.0.113.7"}
    assert address_of(environ, TRUSTED) == "203.0.113.7"


@pytest.mark.parametrize(
    ("peer", "address"),
    [("::ffff:192.0.2.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::1"), ("192.0.2.1", "192.0.2.1"), ("me", "me")],
)
def test_others(peer, address):
    """Headers of untrusted peers are ignored; an IPv4 client on a dual-stack socket has its IPv4 address."""
    assert address_of({"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": "203.0.113.7"}, TRUSTED) == address


def test_networks_written_as_ipv6():
    """An IPv4-mapped IPv6 network is the IPv4 network."""
    environ = {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": "203.0.113.7"}
    assert address_of(environ, ("::ffff:10.0.0.0/104",)) == "203.0.113.7"
    assert address_of(environ, ("::ffff:11.0.0.0/104",)) == PROXY
