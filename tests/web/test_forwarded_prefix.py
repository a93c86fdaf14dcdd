"""X-Forwarded-Prefix: URLs in responses have it, where the proxy is trusted and the prefix is well-formed."""

import re
import shutil

import flask
import pytest
import requests
from browsing import CHROMIUM, Seen, chromium, status_of_a_prediction
from builders import CUSTOMER
from conftest import serving
from werkzeug.middleware.proxy_fix import ProxyFix

import churn_api
from benchmarks.nginx import SITE, nginx_before
from churn_api.access.caller import SCOPES
from churn_api.app import create_app

PREFIX = "/team/churn"
LOOPBACK = {"TRUSTED_PROXIES": ["127.0.0.0/8"]}


@pytest.fixture
def make(models_dir, make_key):
    """Make a client with every scope: `make(TRUSTED_PROXIES=[…])`."""
    key = make_key(*SCOPES)

    def make(mounted_at=None, team=None, **settings):
        settings = {"MODELS_DIR": str(models_dir)} | settings
        app = create_app(settings) if team is None else team
        if team is not None:
            churn_api.init_app(team, mounted_at, settings)
        client = app.test_client()
        client.environ_base["HTTP_X_API_KEY"] = key
        return client

    return make


def links(client, prefix, at=""):
    """The URLs in responses: links, the document's server, and a problem's instance and text."""
    headers = {} if prefix is None else {"X-Forwarded-Prefix": prefix}
    unknown = client.post(f"{at}/api/v1/predict/nobody", json=CUSTOMER, headers=headers).json
    page = client.get(f"{at}/docs", headers=headers).text
    return {
        client.get(f"{at}/", headers=headers).json["links"]["docs"].rpartition("/")[0],
        client.get(f"{at}/openapi.json", headers=headers).json["servers"][0]["url"].removesuffix("/"),
        unknown["instance"].removesuffix("/api/v1/predict/nobody"),
        unknown["detail"].removeprefix("GET ").removesuffix("/api/v1/models lists the models."),
        page.partition('data-document="')[2].partition("/openapi.json")[0],
        page.partition('src="')[2].partition("/flasgger_static")[0],
    }


def test_urls_have_the_prefix(make):
    """Every URL in responses begins with the prefix; a slash at the prefix's end is ignored."""
    client = make(**LOOPBACK)
    assert links(client, PREFIX) == links(client, f"{PREFIX}/") == links(client, f"/evil, {PREFIX}") == {PREFIX}
    assert links(client, None) == {""}


def test_mounted_below_a_prefix(make):
    """In a mounted application the proxy's prefix comes before the mount prefix."""
    client = make("/here", flask.Flask("team"), **LOOPBACK)
    assert links(client, PREFIX, at="/here") == {f"{PREFIX}/here"}
    assert links(client, "/here", at="/here") == {"/here/here"}


def test_outer_application_with_proxy_fix(make):
    """Where the outer application applies the prefix with ProxyFix, it is not added twice."""
    team = flask.Flask("team")
    client = make("/here", team, **LOOPBACK)
    team.wsgi_app = ProxyFix(team.wsgi_app, x_for=0, x_prefix=1)
    assert links(client, PREFIX, at="/here") == {f"{PREFIX}/here"}


@pytest.mark.parametrize("settings", [{}, {"TRUSTED_PROXIES": ["10.0.0.0/8", "unix"]}])
def test_untrusted_peers(make, settings):
    """Headers from untrusted peers are ignored."""
    assert links(make(**settings), PREFIX) == {""}


def test_what_is_no_prefix(make):
    """Malformed prefixes are ignored, also from a trusted proxy."""
    client = make(**LOOPBACK)
    without = client.get("/").json["links"]
    hosts = ["//evil.org", "/a//evil.org", "\\\\evil.org", "/\\evil.org", "http://evil.org", "evil.org", "@evil.org"]
    schemes = ["javascript:alert(1)", "/javascript:alert(1)", "data:text/html,x"]
    paths = [
        "/..",
        "/a/../..",
        "/./evil",
        "/%2f/evil",
        "/%2e%2e",
        "/a?b",
        "/a#b",
        "/a;b",
        "/a b",
        "/",
        "//",
        "",
        "/a/b\t/c",
    ]
    bytes_ = [
        "/a\x7f",
        "/é",
        '/a"><script>',
        "/a'",
        "/{{7*7}}",
        "/<x>",
        "/a" * 17,
        "/" + "\x85",
        "/a,/b//c",
        f"{PREFIX}, //evil",
    ]
    for prefix in hosts + schemes + paths + bytes_:
        answer = client.get("/", environ_overrides={"HTTP_X_FORWARDED_PREFIX": prefix})
        assert answer.json["links"] == without, prefix
    broken = client.get("/", environ_overrides={"HTTP_X_FORWARDED_PREFIX": "/a\r\nSet-Cookie: x"})
    assert "Set-Cookie" not in broken.headers
    assert broken.json["links"] == without


def test_routes_are_as_they_were(make):
    """A prefix changes URLs in responses, and not which route matches."""
    client = make(**LOOPBACK)
    headers = {"X-Forwarded-Prefix": "/api/v1"}
    assert client.get("/models", headers=headers).status_code == 404
    assert client.get("/api/v1/models", headers=headers).status_code == 200


NGINX = pytest.mark.skipif(shutil.which("nginx") is None, reason="there is no nginx here")


@pytest.fixture
def site(models_dir, tmp_path_factory):
    """A real nginx that serves the API at a prefix, by the configuration that deploy/ has."""
    folder = tmp_path_factory.mktemp("p")
    prefix = re.sub(r"(?<!/)/churn(?=[/;( ])", PREFIX, (SITE.parent / "prefix.conf").read_text())
    (folder / "prefix.conf").write_text(prefix)
    settings = {"HOST": f"unix:{folder}/g.sock", "CHURN_TRUSTED_PROXIES": "unix", "CHURN_AUTH": "required"}
    with nginx_before(folder, folder / "g.sock") as nginx:
        nginx.reload(nginx.site.read_text().replace("server_tokens off;", "server_tokens off; include prefix.conf;"))
        with serving(models_dir, folder / "log", alive=nginx.url, workers=1, **settings):
            yield f"{nginx.url}{PREFIX}"


@NGINX
def test_behind_nginx(site, make_key):
    """With deploy/nginx/prefix.conf `Location` and all links can be followed, and a client's own prefix is ignored."""
    forged = {"X-API-Key": make_key(*SCOPES), "X-Forwarded-Prefix": "//evil.org"}
    host = site.removesuffix(PREFIX)
    for link in requests.get(f"{site}/", headers=forged, timeout=30).json()["links"].values():
        assert requests.get(host + link, headers=forged, timeout=30).status_code in (200, 405), link
    assert requests.get(f"{host}/", headers=forged, timeout=30).json()["links"]["models"] == "/api/v1/models"
    table = b"tenure\n" + b"1\n" * 6_000_000
    sent = {"files": {"file": ("customers.csv", table)}, "data": {"model": "small"}}
    job = requests.post(f"{site}/api/v1/jobs", headers=forged, timeout=30, **sent)
    assert (job.status_code, job.headers["Location"]) == (202, job.json()["links"]["self"])
    assert requests.get(host + job.headers["Location"], headers=forged, timeout=30).json()["id"] == job.json()["id"]
    assert requests.post(f"{site}/api/v1/predict/small", data=table, headers=forged, timeout=30).status_code == 413


@NGINX
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
def test_in_a_browser(site, make_key):
    """The page loads everything from below the prefix, and "Try it out" with a key works there."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1600})
        seen = Seen(page)
        page.goto(f"{site}/docs")
        assert "200" in status_of_a_prediction(page, "key", make_key("predict"))
        assert seen.complaints == []
        assert len([url for url in seen.requests if url.startswith(site)]) > 4
        assert all(url.startswith((f"{site}/", "data:")) for url in seen.requests)
