"""What the desk shows stays where it is, and is all in reach. Skipped where there is no Chromium."""

import pytest
from browsing import CHROMIUM, chromium
from desk_server import DESKTOP, EVERYTHING, PHONE, desk_page, desk_server, go, prepare_desk
from playwright.sync_api import expect

from churn_api.web.pages.shared.desk_files import FOLDER, desk_files

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")

GOOD = 0.02
"""A fifth of the cumulative layout shift that Web Vitals calls good."""
SUM_OF_SHIFTS = """
    window.shifts = 0;
    const add = (list) => list.getEntries().forEach((one) => (window.shifts += one.value));
    new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def desk(models_dir, database_of_models, tmp_path_factory):
    with desk_server(prepare_desk(models_dir, database_of_models, tmp_path_factory)) as desk:
        yield desk


@pytest.fixture(scope="module")
def key(desk):
    return desk.make_key(*EVERYTHING)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("view", ["customer", "list", "model", "watch"])
def test_nothing_moves(browser, desk, key, view, size):
    """What comes later does not move what is shown already."""
    with desk_page(browser, desk, key, viewport=size) as page:
        page.add_init_script(SUM_OF_SHIFTS)
        go(page, desk, f"{view}/small")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.shifts") < GOOD


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (640, 360)], ids=["desktop", "enlarged to 200 %"])
def test_answer_is_in_reach(browser, desk, key, width, height):
    """Scrolling the page brings everything of the answer into a small window, where nothing covers it."""
    with desk_page(browser, desk, key, viewport={"width": width, "height": height}) as page:
        go(page, desk, "customer/small")
        expect(page.locator(".answer .amount")).to_be_visible()
        for part in (".answer .amount", ".often", ".sentences li:last-child", ".as-code summary"):
            page.locator(part).scroll_into_view_if_needed()
            page.locator(part).click(trial=True, timeout=5000)
        assert page.evaluate("getComputedStyle(document.querySelector('.answer')).overflowY") == "visible"
        page.mouse.move(width * 0.9, height / 2)
        page.mouse.wheel(0, 10_000)
        expect(page.locator(".as-code")).to_be_in_viewport()


def test_reload_under_a_tight_limit(browser, desk):
    """A page that is loaded again and again counts what is left of the caller's limit, and is not refused."""
    with desk_page(browser, desk, desk.make_key("predict", "models:read", rate="4/2second")) as page:
        for _ in range(4):
            go(page, desk, "customer/small")
            page.reload()
            expect(page.locator(".answer .amount")).to_be_visible()


def test_description(desk, browser, key):
    """The page says what it is about, in the reader's language."""
    with desk_page(browser, desk, key, locale="de-DE") as page:
        go(page, desk, "customer/small")
        assert "wen man zuerst anruft" in page.locator("meta[name=description]").get_attribute("content")


def test_shortened_styles(browser):
    """Styles are served in fewer bytes, and a browser reads the same rules in them."""
    written, served = (FOLDER / "desk.css").read_text(), desk_files().content["desk.css"].decode()
    read = "async (text) => [...(await new CSSStyleSheet().replace(text)).cssRules].map((rule) => rule.cssText)"
    page = browser.new_page()
    rules = [[rule.replace(", ", ",") for rule in page.evaluate(read, text)] for text in (written, served)]
    page.close()
    assert len(served) < len(written.replace("  ", ""))
    assert len(rules[0]) > 200
    assert rules[0] == rules[1]
