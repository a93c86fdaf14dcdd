"""The desk in a real browser. Skipped where there is no Chromium."""

import os
import shutil
from pathlib import Path

import pytest
from browsing import CHROMIUM, Seen, chromium
from conftest import SECRET, serving

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")

DESKTOP = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def desk(models_dir, database_of_models, tmp_path_factory):
    """One server for all these claims."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copy(database_of_models, folder / "churn.db")
    chosen = {"INSTANCE_DIR": str(folder), "AUTH": "open", "KEY_PEPPER": SECRET, "JWT_SECRET": SECRET}
    chosen |= {"RATELIMIT_MANAGEMENT": "1000/minute", "METRICS_DIR": str(folder / "metrics")}
    environment = {f"CHURN_{name}": value for name, value in chosen.items()}
    with serving(models_dir, folder / "log", workers=1, **environment) as server:
        yield server


@pytest.fixture
def page(browser, desk):
    """A page of a browser of its own, which must ask for nothing elsewhere and complain of nothing."""
    context = browser.new_context(viewport=DESKTOP)
    page = context.new_page()
    seen = Seen(page)
    yield page
    assert seen.complaints == []
    assert all(url.startswith((desk.url, "data:")) for url in seen.requests)
    context.close()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> Path:
    """Where pictures of the views are written: CHURN_PICTURES, or a folder of the test's own."""
    folder = os.environ.get("CHURN_PICTURES")
    return Path(folder) if folder else tmp_path_factory.mktemp("pictures")


def test_one_customer(page, desk, pictures):
    """The view begins with a typical customer and an answer, and a change of a field changes the answer."""
    page.goto(f"{desk.url}/#/customer/small")
    amount = page.locator(".answer .amount")
    amount.wait_for()
    before = amount.inner_text()
    page.get_by_label("Contract").select_option(
        "Two year" if "Two" not in page.get_by_label("Contract").input_value() else "One year"
    )
    page.wait_for_function("before => document.querySelector('.answer .amount').innerText !== before", arg=before)
    page.screenshot(path=pictures / "customer.png", full_page=True)
