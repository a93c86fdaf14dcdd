"""The API page in a real browser. Skipped where there is no Chromium."""

from pathlib import Path

import pytest
import requests
from browsing import CHROMIUM, Seen, chromium, status_of_a_prediction

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def server(serve, models_dir):
    with serve(models_dir) as server:
        yield server


@pytest.mark.parametrize("path", ["/docs", "/apidocs"])
def test_try_it_out(browser, server, tmp_path, path):
    """The page shows the routes; "Try it out" sends the example and shows 200; nothing violates the policy."""
    page = browser.new_page(viewport={"width": 1280, "height": 1600})
    seen = Seen(page)
    page.goto(server.url + path)
    route = page.locator("#operations-Predict-predict")
    route.locator(".opblock-summary").click()
    route.locator("button.execute").click()
    answer = route.locator(".live-responses-table .response-col_status").last
    answer.wait_for()
    page.screenshot(path=tmp_path / "page.png")
    assert "200" in answer.inner_text()
    assert '"churn_probability"' in route.locator(".live-responses-table").inner_text()
    assert seen.complaints == []
    assert all(url.startswith((server.url, "data:")) for url in seen.requests)
    assert Path(tmp_path / "page.png").stat().st_size > 10_000
    page.close()


@pytest.mark.parametrize("kind", ["key", "token"])
def test_authorize(browser, serve, models_dir, make_key, kind):
    """The Authorize button takes a key or a token, and what is tried out then is sent with it."""
    with serve(models_dir, CHURN_AUTH="required") as server:
        secret = make_key("predict")
        if kind == "token":
            answer = requests.post(f"{server.url}/api/v1/token", headers={"X-API-Key": secret}, timeout=30)
            secret = answer.json()["access_token"]
        page = browser.new_page(viewport={"width": 1280, "height": 1600})
        seen = Seen(page)
        page.goto(f"{server.url}/docs")
        assert "200" in status_of_a_prediction(page, kind, secret)
        assert seen.complaints == []
        page.close()


def test_address_bar_loads_no_other_document(browser, server):
    """A link cannot make the page show a document from elsewhere: parameters are refused, a fragment is ignored."""
    page = browser.new_page()
    seen = Seen(page)
    foreign = "url=http://127.0.0.1:9/evil.json&configUrl=http://127.0.0.1:9/evil.json"
    assert page.goto(f"{server.url}/docs?{foreign}").status == 422
    page.goto(f"{server.url}/docs#{foreign}")
    page.locator(".opblock").first.wait_for()
    assert page.locator(".info .title").inner_text().startswith("Churn API")
    assert not [url for url in seen.requests if "evil" in url and not url.startswith(f"{server.url}/docs")]
    page.close()


def test_redoc(browser, server, tmp_path):
    """The reference page shows the routes, loads nothing from elsewhere, and nothing violates its policy."""
    page = browser.new_page(viewport={"width": 1280, "height": 1600})
    seen = Seen(page)
    page.goto(f"{server.url}/redoc")
    page.locator("h2", has_text="Score one customer").first.wait_for()
    assert page.locator("h1").first.inner_text().startswith("Churn API")
    assert "/api/v1/jobs" in page.locator("body").inner_text()
    page.screenshot(path=tmp_path / "redoc.png")
    assert seen.complaints == []
    assert all(url.startswith((server.url, "data:")) for url in seen.requests)
    page.close()
