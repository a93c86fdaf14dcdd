"""The desk when a key is refused, a limit is used up, or the server is away. Skipped where there is no Chromium."""

import re
import time
from contextlib import ExitStack
from datetime import timedelta

import pytest
import requests
from browsing import CHROMIUM, chromium
from builders import CUSTOMER, customers, write_csv
from desk_server import AWAY, EVERYTHING, desk_page, desk_server, desk_settings, go
from playwright.sync_api import expect

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")

LARGE, ROWS = 50_000_000, 1700
NOT_VALID = "may be mistyped, revoked or expired. Copy it again, or ask"


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def settings(models_dir, database_of_models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trouble")
    return desk_settings(folder, models_dir, database_of_models) | {"JOB_WORKER": True, "JOB_PROCESSES": 1}


@pytest.fixture(scope="module")
def desk(settings):
    """One server, with a job worker, for all these claims but one."""
    with desk_server(settings) as desk:
        yield desk


@pytest.fixture(scope="module")
def expired(desk):
    """A key whose time is over."""
    return desk.make_key(*EVERYTHING, expires=timedelta(seconds=-1))


def answered(page):
    expect(page.locator(".answer .amount")).to_be_visible()
    expect(page.locator(".answer")).not_to_have_attribute("data-busy", "")


def test_wrong_and_expired_key(browser, desk, expired):
    """Both are refused with what to do, by a form that takes the right key, which is kept in the tab alone."""
    key = desk.make_key(*EVERYTHING)
    with desk_page(browser, desk, None, refused={401}) as page:
        page.goto(f"{desk.server.url}/")
        for wrong in ("ck_wrong", expired):
            page.get_by_label("Key or token").fill(wrong)
            page.get_by_role("button", name="Sign in").last.click()
            expect(page.get_by_role("alert")).to_contain_text(NOT_VALID)
        page.get_by_label("Key or token").fill(key)
        page.keyboard.press("Enter")
        answered(page)
        assert key not in page.url + page.content()
        assert page.evaluate("localStorage.length + document.cookie.length") == 0
        page.reload()
        answered(page)
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("Key or token")).to_be_visible()
        assert page.evaluate("Object.keys(sessionStorage)") == []


def test_key_that_expires_while_the_page_is_open(browser, desk, expired):
    """The page asks for another key as soon as one is refused, and then shows the customer as it was entered."""
    with desk_page(browser, desk, desk.make_key(*EVERYTHING), refused={401}) as page:
        go(page, desk, "customer/small")
        answered(page)
        page.evaluate("key => sessionStorage.setItem('churn-desk-key', key)", expired)
        page.get_by_label("tenure *", exact=True).fill("41")
        expect(page.get_by_role("alert")).to_contain_text(NOT_VALID)
        page.get_by_label("Key or token").fill(desk.make_key(*EVERYTHING))
        page.keyboard.press("Enter")
        expect(page.get_by_label("tenure *", exact=True)).to_have_value("41")
        answered(page)


@pytest.mark.parametrize(
    ("scopes", "view", "missing"),
    [
        (["predict"], "model", "models:read"),
        (["predict"], "watch", "models:read"),
        (["models:read"], "customer", "predict"),
    ],
)
def test_key_without_the_scope(browser, desk, scopes, view, missing):
    """A view that a key may not see names the scope, and says whom to ask."""
    with desk_page(browser, desk, desk.make_key(*scopes), refused={403}) as page:
        page.goto(f"{desk.server.url}/#/{view}/small")
        expect(page.get_by_role("alert")).to_contain_text(f"it needs the scope {missing}. Ask")


def test_many_changes_under_a_tight_limit(browser, desk):
    """Under a limit of three calls a second the last of many changes is answered, and the page is hardly refused."""
    with desk_page(browser, desk, desk.make_key("predict", "models:read", rate="3/second"), refused={429}) as page:
        refused = []
        page.on("response", lambda response: refused.append(response.url) if response.status == 429 else None)
        go(page, desk, "customer/small")
        answered(page)
        for months in range(12):
            page.get_by_label("tenure *", exact=True).fill(str(months * 5))
            page.wait_for_timeout(150)
        expect(page.locator(".answer")).not_to_have_attribute("data-busy", "")
        expect(page.locator(".sentences")).to_contain_text("tenure is 55")
        assert len(refused) <= 3


def use_up(desk, key):
    """Have another client make the predictions that a key's limit allows, with some seconds left to wait."""
    while True:
        answer = requests.post(
            f"{desk.server.url}/api/v1/predict/small", json=CUSTOMER, headers={"X-API-Key": key}, timeout=30
        )
        seconds = int(answer.headers.get("Retry-After", 0))
        if seconds >= 4:
            return
        time.sleep(seconds)


def test_limit_that_another_client_has_used_up(browser, desk):
    """The page says how long it waits, asks once more when `Retry-After` is over, and shows the answer."""
    key = desk.make_key("predict", "models:read", rate="9/8second")
    with desk_page(browser, desk, key, refused={429}) as page:
        go(page, desk, "customer/small")
        answered(page)
        use_up(desk, key)
        statuses = []
        page.on("response", lambda one: statuses.append(one.status) if one.url.find("/predict/") > 0 else None)
        page.get_by_label("tenure *", exact=True).fill("55")
        expect(page.locator("#health")).to_contain_text(re.compile(r"Waiting \d s for the limit"))
        expect(page.locator(".sentences")).to_contain_text("tenure is 55")
        assert statuses == [429, 200]


def test_server_stopped_and_started_again(browser, settings, tmp_path):
    """A stopped server is reported; once it is back each view goes on by itself, and nothing typed is lost."""
    away, alone = "cannot be reached", settings | {"JOB_WORKER": False}
    with ExitStack() as running:
        desk = running.enter_context(desk_server(alone))
        key = desk.make_key(*EVERYTHING)
        with desk_page(browser, desk, key, refused=AWAY) as page, desk_page(browser, desk, key, refused=AWAY) as other:
            go(page, desk, "customer/small")
            answered(page)
            go(other, desk, "list/small")
            expect(other.locator(".drop")).to_be_visible()
            running.close()
            page.get_by_label("Contract").select_option(label="One year")
            page.get_by_text("Paste a row or JSON").click()
            page.get_by_role("textbox", name="Paste a row or JSON").fill("half a customer")
            expect(page.locator("#health")).to_have_text("Not reachable, trying again")
            expect(page.get_by_role("alert")).to_contain_text(away)
            other.locator("#list-file").set_input_files(write_csv(customers(60), tmp_path / "march.csv"))
            expect(other.get_by_role("alert")).to_contain_text(away)
            running.enter_context(desk_server(alone, again=desk))
            answered(page)
            expect(page.locator("#health")).to_have_text(re.compile("Healthy|Needs attention"))
            expect(page.get_by_label("Contract")).to_have_value(re.compile("c1"))
            expect(page.get_by_role("textbox", name="Paste a row or JSON")).to_have_value("half a customer")
            expect(page.get_by_role("textbox", name="Paste a row or JSON")).to_be_focused()
            expect(other.locator(".lead")).to_contain_text("60 customers of march.csv")


def test_file_of_50_mb(browser, desk, tmp_path):
    """A large file is sent and scored with a progress bar, also over a reload, and its list has every customer."""
    path = tmp_path / "large.csv"
    table = customers(ROWS).assign(Note="x" * (LARGE // ROWS))
    write_csv(table, path)
    assert path.stat().st_size >= LARGE
    with desk_page(browser, desk, desk.make_key(*EVERYTHING)) as page:
        go(page, desk, "list/small")
        page.locator("#list-file").set_input_files(path)
        expect(page.get_by_role("progressbar")).to_have_attribute("value", re.compile(r"^(1|0\.\d+)$"))
        with page.expect_response("**/api/v1/jobs/*"):
            pass
        page.reload()
        expect(page.locator(".lead")).to_contain_text(f"{ROWS:,} customers of large.csv")
        expect(page.locator(".ranking tbody tr")).to_have_count(50)
