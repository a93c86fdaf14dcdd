"""CORS: pages of configured origins can call every route, pages of other origins none."""

import io
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from browsing import CHROMIUM, chromium
from builders import CUSTOMER
from flask import Flask

from churn_api.access.caller import SCOPES
from churn_api.app import create_app
from churn_api.config import ConfigError, load_settings
from churn_api.web.core import cors

ORIGIN = "https://app.example.org"
ASKED = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-api-key"}
EVERY_PAGE_MAY_READ = {
    "Cache-Control",
    "Content-Language",
    "Content-Length",
    "Content-Type",
    "Expires",
    "Last-Modified",
}
FOR_BROWSERS_ALONE = {"Content-Security-Policy", "X-Content-Type-Options", "Vary", "Date", "Content-Encoding"}


@pytest.fixture
def make(models_dir):
    """Make a client of an application that requires keys: `make(CORS_ORIGINS=[…])`."""

    def make(**settings):
        settings = {"MODELS_DIR": str(models_dir), "AUTH": "required", "CORS_ORIGINS": [ORIGIN], **settings}
        return create_app(settings).test_client()

    return make


def test_preflights_of_every_route(make):
    """A preflight without a key succeeds on every route for each of its methods."""
    client = make(RATELIMIT_ENABLED=True, RATELIMIT_MANAGEMENT="1/hour")
    asked = 0
    for rule in client.application.url_map.iter_rules():
        address = re.sub(r"<[^>]+>", "some", rule.rule)
        for method in rule.methods - {"OPTIONS"}:
            headers = {"Origin": ORIGIN, "Access-Control-Request-Method": method}
            answer = client.options(address, headers=headers)
            assert answer.status_code == 200, (method, address, answer.text)
            assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
            assert method in answer.headers["Access-Control-Allow-Methods"]
            asked += 1
    assert asked > 25


def test_no_key_no_answer(make):
    """Only a preflight needs no key, not a request that resembles one."""
    client = make()
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
        answer = client.open("/api/v1/models/small", method=method, headers={"Origin": ORIGIN})
        assert answer.status_code in (401, 405), method
        headers = {"Origin": ORIGIN, **ASKED}
        answer = client.open("/api/v1/models/small", method=method, headers=headers)
        assert answer.status_code == (200 if method == "OPTIONS" else 405 if method == "POST" else 401)
        assert b"telco" not in answer.data


@pytest.mark.parametrize(
    ("configured", "origin", "may"),
    [
        (ORIGIN, ORIGIN, True),
        ("HTTPS://App.Example.ORG", ORIGIN, True),
        (ORIGIN, ORIGIN + ".evil.org", False),
        (ORIGIN, ORIGIN + ":8443", False),
        (ORIGIN, "http://app.example.org", False),
        (ORIGIN, "https://appxexample.org", False),
        (ORIGIN, "null", False),
        ("https://*.example.com", "https://shop.example.com", True),
        ("https://*.example.com", "https://a.b.example.com", True),
        ("https://*.example.com", "https://example.com", False),
        ("https://*.example.com", "https://aexample.com", False),
        ("https://*.example.com", "https://aexample.com.evil.org", False),
        ("https://*.example.com", "https://a.example.com.evil.org", False),
        ("https://*.example.com", "https://evil.org/a.example.com", False),
        ("https://*.example.com", "https://evil.org#.example.com", False),
        ("https://*.example.com", "https://evil.org?.example.com", False),
        ("https://*.example.com", "https://a.example.com:8443", False),
        ("https://*.example.com", "http://a.example.com", False),
        ("https://*.example.com:8443", "https://a.example.com:8443", True),
        ("http://localhost:3000", "http://localhost:3000", True),
        ("http://localhost:3000", "http://localhost:30001", False),
        ("http://[::1]:3000", "http://[::1]:3000", True),
        ("http://[::1]:3000", "http://1:3000", False),
        ("capacitor://localhost", "capacitor://localhost", True),
    ],
)
def test_origins_match_exactly(configured, origin, may):
    """Origins match exactly; a star matches subdomains with the same scheme and port."""
    app = Flask("with one view")
    app.config.from_mapping(load_settings({"CORS_ORIGINS": [configured]}))
    cors.init_app(app)
    app.add_url_rule("/", "view", lambda: "", methods=["POST"])
    client = app.test_client()
    preflight = client.options("/", headers={"Origin": origin, **ASKED})
    answer = client.post("/", headers={"Origin": origin})
    for headers in (preflight.headers, answer.headers):
        assert headers.get("Access-Control-Allow-Origin") == (origin if may else None)
    assert ("x-api-key" in preflight.headers.get("Access-Control-Allow-Headers", "")) is may


def test_no_origin(make):
    """A request without an origin does not get the configured origins."""
    answer = make(CORS_ORIGINS=[ORIGIN, "https://secret.example.org"]).get("/health")
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize(
    "origin",
    [
        *(
            "null",
            "*",
            "app.example.org",
            "//app.example.org",
            f"{ORIGIN}/",
            f"{ORIGIN}/path",
            f"{ORIGIN}?x",
            "https://",
        ),
        *("https://*", "https://*.com", "https://*app.example.org", "https://app.*.org", "https://*.*.example.org"),
        *("https://.example.org", "https://(a|b).example.org", "https://app.example.org:443", "http://localhost:80"),
        *("http://localhost:*", "https://app.example.org:0", "https://me@app.example.org", "https://a b.example.org"),
        *("https://bücher.example", "http://[::1", "http://[::g]:3000", "https://app.example.org\\Z", ""),
    ],
)
def test_what_is_no_origin(monkeypatch, origin):
    """Origins that no browser sends, or that match more than they seem to, are refused at the start in one line."""
    monkeypatch.setenv("CHURN_CORS_ORIGINS", f"{ORIGIN}, {origin}")
    with pytest.raises(
        ConfigError, match=r"^CHURN_CORS_ORIGINS: .* is no origin\. Must be as browsers send"
    ) as refused:
        load_settings()
    assert "\n" not in str(refused.value)


def test_spaces_after_commas(monkeypatch):
    """A list may have spaces after its commas."""
    monkeypatch.setenv("CHURN_CORS_ORIGINS", f"{ORIGIN}, https://*.example.com ")
    assert load_settings()["CORS_ORIGINS"] == [ORIGIN, "https://*.example.com"]


def test_all_headers_can_be_read(make, make_key):
    """A page can read every response header of predictions, tables, jobs and problems."""
    client = make(RATELIMIT_ENABLED=True, RATELIMIT_PREDICT="1/hour")
    client.environ_base |= {"HTTP_X_API_KEY": make_key(*SCOPES), "HTTP_ORIGIN": ORIGIN}
    file = {"file": (io.BytesIO(b"tenure\n1\n"), "customers.csv"), "model": "small"}
    predict, batch = "/api/v1/predict/small", "/api/v1/batch-predict/small"
    answers = [
        client.post(predict, json=CUSTOMER),
        client.post(predict, json=CUSTOMER),
        client.post(batch, json={"customers": [CUSTOMER]}, headers={"Accept": "text/csv"}),
        client.post("/api/v1/jobs", data=file),
        client.get("/api/v1/models", headers={"X-API-Key": "churn_none"}),
    ]
    assert [answer.status_code for answer in answers] == [200, 429, 200, 202, 401]
    for answer in answers:
        readable = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
        sent = {name for name in dict(answer.headers) if not name.startswith("Access-Control")}
        assert sent - readable - EVERY_PAGE_MAY_READ - FOR_BROWSERS_ALONE == set()
        answer.close()


def test_documented_headers_can_be_read(make):
    """A page can read every response header in the OpenAPI document."""
    document = make().get("/openapi.json").json
    operations = [one for path in document["paths"].values() for one in path.values() if "responses" in one]
    named = {name for one in operations for answer in one["responses"].values() for name in answer.get("headers", ())}
    assert {"Location", "RateLimit-Remaining", "Retry-After", "X-Request-ID"} <= named <= set(cors.EXPOSED_HEADERS)


PAGE = b"<!doctype html><title>A team's own page</title>"
CALLS = """async ([api, key, customer]) => {
    const headers = {"X-API-Key": key, "Content-Type": "application/json"};
    const body = JSON.stringify(customer);
    const predicted = await fetch(api + "/api/v1/predict/small", {method: "POST", headers, body});
    const form = new FormData();
    form.append("model", "small");
    form.append("file", new Blob(["tenure\\n1\\n"]), "customers.csv");
    const job = await fetch(api + "/api/v1/jobs", {method: "POST", headers: {"X-API-Key": key}, body: form});
    const live = await fetch(api + "/api/v1/models/small/live", {method: "PUT", headers, body: '{"version": "1"}'});
    const refused = await fetch(api + "/api/v1/predict/small", {method: "POST", headers: {"X-API-Key": "none"}, body});
    return {
        probability: (await predicted.json()).churn_probability,
        left: predicted.headers.get("RateLimit-Remaining"),
        id: predicted.headers.get("X-Request-ID"),
        job: [job.status, job.headers.get("Location"), (await job.json()).links.self],
        live: live.status,
        refused: [refused.status, (await refused.json()).code],
    };
}"""


class _Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_):
        pass


@pytest.fixture
def page_server():
    """The origin of a page served by another program."""
    server = HTTPServer(("127.0.0.1", 0), _Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
def test_in_a_browser(serve, models_dir, make_key, page_server):
    """In Chromium a configured origin's page calls with a key and reads all responses; another's reads nothing."""
    settings = {"CHURN_AUTH": "required", "CHURN_RATELIMIT_ENABLED": "1", "CHURN_CORS_ORIGINS": page_server}
    with serve(models_dir, **settings) as server, chromium() as browser:
        page = browser.new_page()
        page.goto(page_server)
        sent = [server.url, make_key(*SCOPES), CUSTOMER]
        answers = page.evaluate(CALLS, sent)
        assert 0 < answers["probability"] < 1
        assert int(answers["left"]) > 0
        assert re.fullmatch("[0-9a-f]{32}", answers["id"])
        status, location, link = answers["job"]
        assert (status, location) == (202, link)
        assert answers["live"] == 200
        assert answers["refused"] == [401, "invalid-key"]
        page.goto(page_server.replace("127.0.0.1", "localhost"))
        with pytest.raises(Exception, match="Failed to fetch"):
            page.evaluate(CALLS, sent)
