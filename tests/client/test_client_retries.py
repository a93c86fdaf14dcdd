"""What the client does where a call fails: it waits and sends it again, or says why it does not."""

import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pandas as pd
import pytest
from builders import CUSTOMER
from called_clients import KINDS, RudeProxy, client_of
from conftest import GUNICORN, ROOT

from churn_client import NoResponse, NotPermitted, NotThere, TooManyRequests, Unavailable, UnexpectedResponse
from churn_client.retries import retry_after

PAGE = b"<!DOCTYPE html><title>Welcome</title>"

both = pytest.mark.parametrize("kind", KINDS)


@both
def test_waits_for_a_limit(serve, models_dir, kind):
    """A call beyond the limit waits as long as the service asks for, and succeeds."""
    limits = {"CHURN_RATELIMIT_ENABLED": "1", "CHURN_RATELIMIT_PREDICT": "2/second"}
    with serve(models_dir, workers=1, **limits) as server, client_of(kind, server.url) as client:
        began = time.monotonic()
        for _ in range(5):
            client.predict(CUSTOMER, model="small")
        assert time.monotonic() - began > 1
        assert '"rate-limited"' in server.log


@both
def test_does_not_wait_too_long(serve, models_dir, kind):
    """A limit that needs a longer wait than the client may have is an error at once."""
    limits = {"CHURN_RATELIMIT_ENABLED": "1", "CHURN_RATELIMIT_PREDICT": "1/hour"}
    with serve(models_dir, workers=1, **limits) as server, client_of(kind, server.url, max_wait=2) as client:
        client.predict(CUSTOMER, model="small")
        with pytest.raises(TooManyRequests) as raised:
            client.predict(CUSTOMER, model="small")
        assert (raised.value.status, raised.value.code) == (429, "rate-limited")


@both
def test_sends_again_what_got_no_response(serve, models_dir, kind):
    """Predictions whose connection is dropped are sent again, under the same request id."""
    with (
        serve(models_dir, workers=1) as server,
        RudeProxy(server.port, lambda connections: connections < 3) as proxy,
        client_of(kind, proxy.url) as client,
    ):
        prediction = client.predict(CUSTOMER, model="small")
        assert proxy.count == 3
        assert server.line_of(prediction.request_id)["status"] == 200


@both
def test_gives_up(serve, models_dir, kind):
    """After its retries, or without any, a call without a response is an error that names the request."""
    with serve(models_dir, workers=1) as server, RudeProxy(server.port, lambda _: True) as proxy:
        with client_of(kind, proxy.url, retries=1) as client, pytest.raises(NoResponse, match="POST predict") as raised:
            client.predict(CUSTOMER)
        assert len(raised.value.request_id) == 32
        assert proxy.count == 2
        with client_of(kind, proxy.url, retries=0) as client, pytest.raises(NoResponse):
            client.predict_many([CUSTOMER])
        assert proxy.count == 3


@both
def test_timeout(serve, models_dir, kind):
    """A service that is silent for longer than the timeout has not answered."""
    with (
        serve(models_dir, workers=1) as server,
        RudeProxy(server.port, lambda _: bool(time.sleep(3))) as proxy,
        client_of(kind, proxy.url, retries=0, timeout=0.3) as client,
        pytest.raises(NoResponse, match="Timeout"),
    ):
        client.predict(CUSTOMER)


@both
def test_unavailable(serve, kind, tmp_path):
    """A service whose model is not ready is asked again, and is an error that says so when it stays so."""
    with serve(tmp_path, workers=1) as server, client_of(kind, server.url, retries=0) as client:
        with pytest.raises(Unavailable) as raised:
            client.predict(CUSTOMER)
        assert (raised.value.status, raised.value.code) == (503, "model-not-ready")


@both
def test_credentials(serve, models_dir, make_key, kind):
    """A key, or a token made from it, is sent with each request; without one, or beyond its scopes, it is an error."""
    with serve(models_dir, workers=1, CHURN_AUTH="required") as server:
        with client_of(kind, server.url) as client, pytest.raises(NotPermitted) as raised:
            client.predict(CUSTOMER, model="small")
        assert raised.value.code == "missing-credentials"
        with client_of(kind, server.url, make_key("predict", "models:read")) as client:
            token = client.token(["predict"])
        with client_of(kind, server.url, token.access_token) as client:
            assert client.predict(CUSTOMER, model="small").model_name == "small"
            with pytest.raises(NotPermitted) as raised:
                client.models.list()
        assert raised.value.code == "missing-scope"


@both
def test_models(serve, models_dir, make_key, kind):
    """Models are listed, shown, explained, and made live; an unknown one is an error."""
    with (
        serve(models_dir, workers=1) as server,
        client_of(kind, server.url, make_key("models:read", "models:write")) as client,
    ):
        listed = client.models.list()
        assert {(model.name, model.live) for model in listed} == {("default", "1"), ("small", "2"), ("odd", "1")}
        assert client.models.make_live("small", 1).live == "1"
        shown = client.models.get("small")
        assert shown.signature["features"][0]["name"] == "tenure"
        explained = client.models.explanation("small", version=2)
        assert explained.model_version == "2"
        assert explained.features[0].bins[0].share > 0
        for name in ("nothing", "a/b", "..", "ü?#"):
            with pytest.raises(NotThere):
                client.models.get(name)


@pytest.fixture
def stranger():
    """A web server that answers everything with a page."""

    class Page(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(PAGE)))
            self.end_headers()
            self.wfile.write(PAGE)

        def log_message(self, *arguments):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@both
def test_another_program_answers(stranger, kind):
    """A success of another program is an error, whatever was asked for."""
    with client_of(kind, stranger) as client:
        calls = [
            lambda: client.predict(CUSTOMER),
            lambda: client.predict_many([CUSTOMER]),
            lambda: client.predict_many(pd.DataFrame([CUSTOMER])),
            client.models.list,
            lambda: client.jobs.row_errors("0" * 32),
        ]
        for call in calls:
            with pytest.raises(UnexpectedResponse, match="not one of this service") as raised:
                call()
            assert len(raised.value.request_id) == 32


MOUNTED = """
import churn_api, flask
app = flask.Flask("team")
app.get("/health/live")(lambda: "")
churn_api.init_app(app, url_prefix="/churn")
"""


@both
@pytest.mark.parametrize("prefix", ["/churn", "/churn/"])
def test_below_a_prefix(serve, models_dir, tmp_path, kind, prefix):
    """The URL of a service may have a prefix, with a slash at its end or without."""
    (tmp_path / "mounted.py").write_text(MOUNTED)
    command = ["sh", "-c", f"exec {GUNICORN} --preload --bind 127.0.0.1:$PORT mounted:app"]
    with (
        serve(models_dir, command=command, cwd=tmp_path, PYTHONPATH=str(ROOT)) as server,
        client_of(kind, server.url + prefix) as client,
    ):
        assert client.predict(CUSTOMER, model="small").model_name == "small"


@both
def test_a_key_is_never_shown(serve, models_dir, make_key, kind):
    """A key from a file may end with a newline; one that no header can have is refused in words without it."""
    with serve(models_dir, workers=1, CHURN_AUTH="required") as server:
        key = make_key("predict")
        with client_of(kind, server.url, f"{key}\n") as client:
            assert client.predict(CUSTOMER, model="small").model_name == "small"
            assert key not in repr(client)
    for wrong in (f"{key}\n{key}", f"{key}\0", f"{key}ü"):
        with pytest.raises(ValueError, match="printable ASCII") as raised, client_of(kind, "http://127.0.0.1", wrong):
            pass
        assert key not in str(raised.value)


@both
def test_what_is_not_the_service(serve, models_dir, kind):
    """An error page of something else is an error with its status, and no code."""
    with serve(models_dir, workers=1) as server, client_of(kind, f"{server.url}/elsewhere") as client:
        with pytest.raises(NotThere) as raised:
            client.models.list()
        assert raised.value.status == 404


def test_retry_after():
    """`Retry-After` is a number of seconds or a date."""
    assert retry_after(httpx.Response(503, headers={"Retry-After": "7"})) == 7
    date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert 3500 < retry_after(httpx.Response(503, headers={"Retry-After": date})) <= 3600


@pytest.mark.parametrize("text", ["", "soon", "-5", "1.5", "٣", "Thu, 99 Nov 2026 10:00:00 GMT"])
def test_no_retry_after(text):
    """Anything else is as if it were missing."""
    assert retry_after(httpx.Response(503, headers={"Retry-After": text.encode()})) is None


def test_a_date_that_is_past():
    """A date that is past asks for no wait."""
    date = format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)
    assert retry_after(httpx.Response(503, headers={"Retry-After": date})) == 0
