"""A real browser for tests, and what a page in it asked for and complained of."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from conftest import ROOT
from playwright.sync_api import Browser, Page, sync_playwright

AXE = ROOT / ".venv" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


class Seen:
    """What a page asked for and complained of."""

    def __init__(self, page: Page) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))


def status_of_a_prediction(page: Page, kind: str, credentials: str) -> str:
    """Have the API page send its example with credentials of a kind, and return what it shows of the status."""
    page.locator(".auth-wrapper .btn.authorize").click()
    form = page.locator(".auth-container", has_text=f"{kind} (")
    form.locator("input").fill(credentials)
    form.locator(".btn.authorize").click()
    page.locator(".btn-done").first.click()
    route = page.locator("#operations-Predict-predict")
    route.locator(".opblock-summary-control").click()
    route.locator("button.execute").click()
    status = route.locator(".live-responses-table .response-col_status").last
    status.wait_for()
    return status.inner_text()


def axe_violations(page: Page) -> list[tuple[str, str]]:
    """The rule and the first element of each fault that axe finds in a page; none where axe is not installed."""
    if not AXE.exists():
        return []
    page.evaluate(AXE.read_text())
    violations = page.evaluate("axe.run().then(result => result.violations)")
    return [(violation["id"], violation["nodes"][0]["html"]) for violation in violations]


def cut_texts(page: Page) -> list[str]:
    """Texts of charts that reach beyond their chart, which would cut them."""
    beyond = """texts => texts.filter(text => {
        const [own, chart] = [text, text.ownerSVGElement].map(element => element.getBoundingClientRect());
        return own.width > 0 && (own.left < chart.left - 1 || own.right > chart.right + 1);
    }).map(text => text.textContent)"""
    texts: list[str] = page.locator("main svg text").evaluate_all(beyond)
    return texts


def cut_chips(page: Page) -> list[str]:
    """Chips that reach beyond their card."""
    beyond = """chips => chips.filter(chip => !chip.closest(".wide")
        && chip.getBoundingClientRect().right > chip.closest(".card").getBoundingClientRect().right
    ).map(chip => chip.textContent)"""
    chips: list[str] = page.locator(".card .chip").evaluate_all(beyond)
    return chips


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()
