"""Rate limits."""

import shutil
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest
import redis
from builders import CUSTOMER
from flask import Flask
from flask_limiter import Limiter
from limits.storage import storage_from_string
from locks import locked

from churn_api.access.file_counters import uri_of
from churn_api.app import create_app

PREDICT = "/api/v1/predict/small"
BATCH = "/api/v1/batch-predict/small"


@pytest.fixture
def limited(models_dir):
    """Make a client of an application with limits: `limited(RATELIMIT_PREDICT="3/hour")`."""

    def make(**settings):
        config = {"MODELS_DIR": str(models_dir), "TESTING": True, "RATELIMIT_ENABLED": True, "ALLOW_OPEN": True}
        return create_app(config | settings).test_client()

    return make


def statuses(client, count, route=PREDICT, body=CUSTOMER, **options):
    return [client.post(route, json=body, **options).status_code for _ in range(count)]


def test_limit(limited):
    """Calls within the limit succeed and have the remaining number; the next one is a 429 with Retry-After."""
    client = limited(RATELIMIT_PREDICT="3/hour")
    answers = [client.post(PREDICT, json=CUSTOMER) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert {answer.headers["RateLimit-Limit"] for answer in answers} == {"3"}
    assert all(0 < int(answer.headers["RateLimit-Reset"]) <= 3600 for answer in answers)
    assert ["Retry-After" in answer.headers for answer in answers] == [False, False, False, True]
    assert answers[3].json["code"] == "rate-limited"
    assert 0 < int(answers[3].headers["Retry-After"]) <= 3600


def test_kinds_are_counted_apart(limited):
    """Single predictions, batches and management have limits of their own; versions and models share them."""
    client = limited(RATELIMIT_PREDICT="2/hour", RATELIMIT_BATCH="1/hour")
    assert statuses(client, 1) + statuses(client, 1, PREDICT + "?version=1") + statuses(client, 1) == [200, 200, 429]
    assert statuses(client, 2, BATCH, {"customers": [CUSTOMER]}) == [200, 429]


def test_by_key(limited, make_key):
    """Each key has its own counter, and a key's own rate replaces the configured one."""
    client = limited(RATELIMIT_PREDICT="1/hour")
    plain = {"X-API-Key": make_key("predict", name="plain")}
    own = {"X-API-Key": make_key("predict", name="own", rate="3/hour")}
    assert statuses(client, 2) == [200, 429]
    assert statuses(client, 2, headers=plain) == [200, 429]
    assert statuses(client, 4, headers=own) == [200, 200, 200, 429]


def test_a_token_counts_as_its_key(limited, make_key):
    """A token shares the counter of its key: new tokens do not bypass a limit."""
    client = limited(RATELIMIT_PREDICT="2/hour")
    key = make_key("predict")
    token = client.post("/api/v1/token", headers={"X-API-Key": key}).json["access_token"]
    assert statuses(client, 2, headers={"X-API-Key": key}) == [200, 200]
    assert statuses(client, 1, headers={"Authorization": f"Bearer {token}"}) == [429]


def test_attempts_are_counted(limited):
    """Clients that guess keys are limited by address; valid keys from elsewhere are not."""
    client = limited(RATELIMIT_MANAGEMENT="3/hour")
    tries = [client.get("/api/v1/models", headers={"X-API-Key": "wrong"}).status_code for _ in range(5)]
    assert tries == [401, 401, 401, 429, 429]
    assert statuses(client, 1) == [200]


def test_batches_by_rows(limited):
    """Where configured, the rows of batches are limited."""
    client = limited(RATELIMIT_BATCH_ROWS="10/hour", RATELIMIT_BATCH="100/hour")
    assert statuses(client, 3, BATCH, {"customers": [CUSTOMER] * 5}) == [200, 200, 429]
    answer = client.post(BATCH, json={"customers": [CUSTOMER]})
    assert (answer.status_code, answer.headers["RateLimit-Limit"]) == (429, "10")


def test_exempt(limited):
    """Health, documents, the service card, 404s and preflights are not counted."""
    client = limited(RATELIMIT_PREDICT="1/hour", RATELIMIT_MANAGEMENT="1/hour")
    for route in ("/", "/health/live", "/health/ready", "/api/v1/health", "/docs", "/openapi.json", "/nowhere"):
        answers = [client.get(route) for _ in range(3)]
        assert not any(answer.status_code == 429 or "RateLimit-Limit" in answer.headers for answer in answers)
    assert {client.options(PREDICT).status_code for _ in range(3)} == {200}
    assert statuses(client, 1) == [200]


def test_switched_off(limited):
    """Without limits nothing is counted, and responses have no RateLimit headers."""
    client = limited(RATELIMIT_ENABLED=False, RATELIMIT_PREDICT="1/hour")
    answers = [client.post(PREDICT, json=CUSTOMER) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert "RateLimit-Limit" not in answers[0].headers


def forwarded(client, sent, address="127.0.0.1"):
    return client.post(
        PREDICT, json=CUSTOMER, headers={"X-Forwarded-For": sent}, environ_overrides={"REMOTE_ADDR": address}
    ).status_code


def test_forwarded_address_is_not_believed(limited):
    """Without trusted proxies, X-Forwarded-For is ignored."""
    client = limited(RATELIMIT_PREDICT="1/hour")
    assert [forwarded(client, f"10.0.0.{number}") for number in range(3)] == [200, 429, 429]


def test_forwarded_address_behind_a_proxy(limited):
    """Behind a trusted proxy clients are distinguished by the address that the proxy saw, not by forged entries."""
    client = limited(RATELIMIT_PREDICT="1/hour", TRUSTED_PROXIES=["127.0.0.0/8", "unix"])
    assert [forwarded(client, "192.0.2.1"), forwarded(client, "192.0.2.2")] == [200, 200]
    assert forwarded(client, "203.0.113.9, 192.0.2.1") == 429
    assert forwarded(client, "192.0.2.1, 127.0.0.1") == 429
    assert forwarded(client, "192.0.2.2", address="") == 429
    assert forwarded(client, "nonsense", address="") == 200


@pytest.mark.parametrize(
    "rate", ["3/hour", "2 per minute;3 per hour", "3/hour;2/minute", "4/second, 3/day"], ids=lambda rate: rate[:9]
)
def test_as_flask_limiter_counts(limited, rate):
    """Statuses and headers equal those of Flask-Limiter for the same calls and rate."""
    theirs = Flask("theirs")
    limiter = Limiter(lambda: "me", application_limits=[rate], storage_uri="memory://", headers_enabled=True)
    limiter.init_app(theirs)
    theirs.add_url_rule("/", view_func=lambda: "", endpoint="view")
    ours, stock = limited(RATELIMIT_PREDICT=rate), theirs.test_client()
    for _ in range(5):
        answer, expected = ours.post(PREDICT, json=CUSTOMER), stock.get("/")
        assert answer.status_code == expected.status_code
        for name in ("Limit", "Remaining"):
            assert answer.headers[f"RateLimit-{name}"] == expected.headers[f"X-RateLimit-{name}"]
        reset = float(expected.headers["X-RateLimit-Reset"]) - time.time()
        assert float(answer.headers["RateLimit-Reset"]) == pytest.approx(reset, abs=2)


def test_ipv6_networks(limited):
    """Addresses of one /64 share a counter; an IPv4-mapped IPv6 address counts as the IPv4 address."""
    client = limited(RATELIMIT_PREDICT="2/hour")

    def call(address):
        return client.post(PREDICT, json=CUSTOMER, environ_overrides={"REMOTE_ADDR": address}).status_code

    assert [call(f"2001:db8:0:1::{number:x}") for number in (1, 2, 0xFFFF)] == [200, 200, 429]
    assert call("2001:db8:0:1:ffff:ffff:ffff:ffff") == 429
    assert call("2001:db8:0:2::1") == 200
    assert [call("192.0.2.1"), call("::ffff:192.0.2.1"), call("192.0.2.1")] == [200, 200, 429]
    assert call("192.0.2.2") == 200


def test_storage_away(limited, tmp_path, caplog):
    """With the storage away, each process counts on its own: calls succeed, limits apply, and the log says so."""
    client = limited(RATELIMIT_PREDICT="3/hour", RATELIMIT_STORAGE_URI="redis://someone:secret@127.0.0.1:1/0")
    assert statuses(client, 5) == [200, 200, 200, 429, 429]
    assert caplog.text.count("this process counts for itself") == 1
    assert "refused" in caplog.text
    assert "secret" not in caplog.text


def test_file_that_is_broken(limited, instance, caplog):
    """An overwritten counters' file causes no errors, and limits still apply."""
    (instance / "limits.counters").write_bytes(b"no counters, but long enough to be taken for some" * 100)
    assert statuses(limited(RATELIMIT_PREDICT="3/hour"), 5) == [200, 200, 200, 429, 429]
    assert "remove it" in caplog.text


def test_storage_comes_back(limited, instance):
    """When the counters' file can be used again, calls are counted in it again."""
    blocked = instance / "limits.counters"
    blocked.mkdir()
    client = limited(RATELIMIT_PREDICT="100/hour")
    assert statuses(client, 2) == [200, 200]
    blocked.rmdir()
    assert within(20, lambda: statuses(client, 1) == [200] and blocked.exists() and counted(blocked))


def counted(path):
    return storage_from_string(uri_of(path)).get("LIMITER/predict:address:127.0.0.1/global/100/1/hour")


def within(seconds, holds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.2)
    return False


@contextmanager
def paused(port):
    """Make a Redis refuse all writes."""
    client = redis.Redis(port=port)
    client.client_pause(60_000, all=False)
    try:
        yield
    finally:
        client.client_unpause()
        client.close()


@pytest.fixture
def redis_of_its_own(tmp_path):
    """The port of a Redis that no other test uses."""
    program = shutil.which("redis-server")
    if not program or not shutil.which("redis-cli"):
        pytest.skip("redis-server is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    assert within(20, lambda: subprocess.run(["redis-cli", "-p", str(port), "ping"], capture_output=True).stdout)
    yield port
    process.kill()
    process.wait()


@pytest.mark.parametrize("storage", ["file", "redis"])
def test_storage_that_can_only_be_read(limited, instance, storage, request, caplog):
    """With read-only counters one call waits a second; limits apply; the log has the beginning and the end."""
    settings = {"RATELIMIT_PREDICT": "4/hour"}
    if storage == "redis":
        port = request.getfixturevalue("redis_of_its_own")
        settings["REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
    client = limited(**settings)
    assert statuses(client, 1) == [200]
    with paused(port) if storage == "redis" else locked(instance / "limits.counters"):
        seconds, seen = [], []
        for _ in range(8):
            started = time.monotonic()
            seen += statuses(client, 1)
            seconds.append(time.monotonic() - started)
        assert seen == [200] * 4 + [429] * 4
        assert 0.9 < seconds[0] < 2.5
        assert max(seconds[1:]) < 0.9
        time.sleep(4)
        assert "used again" not in caplog.text
    assert within(10, lambda: "used again" in caplog.text)
    assert statuses(client, 2) == [200, 200]
    assert caplog.text.count("counts for itself") == caplog.text.count("used again") == 1
