"""Hardening against hostile clients."""

import gzip
import json

import pytest
from builders import CUSTOMER

from churn_api.app import create_app
from churn_api.config import ConfigError, load_settings

PREDICT = "/api/v1/predict/small"
OURS, THEIRS = "https://app.example.org", "https://evil.example.net"


@pytest.fixture
def make(models_dir):
    """Make a client: `make(ALLOWED_HOSTS=["api.example.org"])`."""
    return lambda **settings: create_app({"MODELS_DIR": str(models_dir), "TESTING": True} | settings).test_client()


def test_origins(make):
    """A configured origin's page may call and read; responses and preflights of other origins have no CORS header."""
    client = make(CORS_ORIGINS=[OURS])
    allowed = client.post(PREDICT, json=CUSTOMER, headers={"Origin": OURS})
    assert allowed.headers["Access-Control-Allow-Origin"] == OURS
    assert "X-Request-ID" in allowed.headers["Access-Control-Expose-Headers"]
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type, x-api-key"}
    asked = client.options(PREDICT, headers={"Origin": OURS, **preflight})
    assert asked.status_code == 200
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    assert "x-api-key" in asked.headers["Access-Control-Allow-Headers"]
    for origin in (THEIRS, "null", OURS + ".evil.net", "https://app.example.organic"):
        for response in (
            client.post(PREDICT, json=CUSTOMER, headers={"Origin": origin}),
            client.options(PREDICT, headers={"Origin": origin, **preflight}),
        ):
            assert not [name for name, _ in response.headers if name.startswith("Access-Control")], origin


def test_no_origins(make):
    """Without configured origins there is no CORS header at all."""
    response = make().post(PREDICT, json=CUSTOMER, headers={"Origin": OURS})
    assert not [name for name, _ in response.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("api.example.org", 200),
        ("api.example.org:8443", 200),
        ("x.inner.example.org", 200),
        ("evil.net", 400),
        ("api.example.org.evil.net", 400),
        ("api.example.org@evil.net", 400),
        ("", 400),
    ],
)
def test_hosts(make, host, status):
    """A request for an unknown host is a 400 that does not repeat the name; probes use an IP address."""
    client = make(ALLOWED_HOSTS=["api.example.org", ".inner.example.org"])
    response = client.post(PREDICT, json=CUSTOMER, headers={"Host": host})
    assert response.status_code == status
    assert "evil" not in response.text
    assert client.get("/health/live", headers={"Host": "10.0.0.7:8000"}).status_code == 200


def test_hosts_however_they_are_written(make):
    """Host names match in any case, with any port or a dot at the end; IPv6 addresses in any notation."""
    allowed = [
        "API.Example.org",
        ".Inner.Example.ORG",
        "2001:DB8::1",
        "[::1]:8000",
        "10.0.0.7",
        "other.example.org:8443",
        "Bücher.example",
    ]
    client = make(ALLOWED_HOSTS=allowed)
    ours = ["api.example.ORG", "API.EXAMPLE.ORG:8443", "api.example.org.", "X.inner.example.org", "inner.example.org"]
    ours += ["[2001:db8:0::1]:8443", "[::1]", "[0:0::1]:1", "10.0.0.7:80", "other.example.org", "other.example.org:1"]
    ours += ["xn--bcher-kva.example", "XN--BCHER-KVA.example:80"]
    theirs = ["example.org", "xinner.example.org", "[::2]", "[::1", "::1", "[10.0.0.7]", "10.0.0.70", "10.0.0.7:0"]
    theirs += ["10.0.0.7:99999", "api.example.org:x", "api.example.org/", "api.example.org,evil.net", "[::1]evil.net"]
    statuses = {host: client.get("/", headers={"Host": host}).status_code for host in ours + theirs}
    assert statuses == dict.fromkeys(ours, 200) | dict.fromkeys(theirs, 400)


@pytest.mark.parametrize(
    "entry", ["*", "*.example.org", "https://api.example.org", "api.example.org/", "..org", "", "a b", "[::g]"]
)
def test_what_is_no_host(monkeypatch, entry):
    """An entry that no Host header can match is refused at the start, in one line."""
    monkeypatch.setenv("CHURN_ALLOWED_HOSTS", f"api.example.org, {entry}")
    with pytest.raises(
        ConfigError, match=r"^CHURN_ALLOWED_HOSTS: .* is no host\. Must be names or addresses"
    ) as refused:
        load_settings()
    assert "\n" not in str(refused.value)


def test_compressed_bodies(make):
    """A compressed body is refused before anything is decompressed."""
    bomb = gzip.compress(bytes(50_000_000))
    for body in (bomb, gzip.compress(json.dumps(CUSTOMER).encode())):
        response = make().post(
            PREDICT, data=body, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"}
        )
        assert (response.status_code, response.json["code"]) == (415, "unsupported-media-type")


@pytest.mark.parametrize("route", ["/", "/docs", "/health", PREDICT, "/nowhere", "/openapi.json"])
def test_headers(make, route):
    """Every response forbids sniffing and framing, and names no server version."""
    response = make().get(route)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert "Server" not in response.headers


@pytest.mark.parametrize(
    "sent", ["a\nforged line", "a\r\nX-Evil: 1", "\x1b[31mred", "x" * 65, "ü", "a b", '"}{', "%0a"]
)
def test_ids_reach_no_log(make, caplog, monkeypatch, sent):
    """A request id that is not well-formed is replaced before it is logged."""
    monkeypatch.setattr("churn_api.web.v1.predict.predict_batch", lambda *_: 1 / 0)
    client = make()
    response = client.post(PREDICT, json=CUSTOMER, environ_overrides={"HTTP_X_REQUEST_ID": sent})
    assert response.status_code == 500
    response.close()
    assert sent not in caplog.text
    assert response.json["request_id"] in caplog.text


def test_names_reach_no_log(make, caplog):
    """Paths, headers and bodies of unauthenticated clients are not logged."""
    forged = "forged%0aline"
    client = make()
    for response in (
        client.get(f"/{forged}"),
        client.post(f"/api/v1/predict/{forged}", json={forged: forged}),
        client.get("/api/v1/models", headers={"X-API-Key": forged, "Authorization": forged, "User-Agent": forged}),
    ):
        assert response.status_code in (401, 404)
    assert "forged" not in caplog.text
