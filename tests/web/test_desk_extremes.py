"""The desk with a model of three features, and with one of three hundred. Skipped where there is no Chromium."""

from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from browsing import CHROMIUM, axe_violations, chromium
from builders import feature, signature, write_csv
from conftest import made_once
from desk_server import EVERYTHING, desk_page, desk_server, desk_settings, go
from playwright.sync_api import expect
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from churn_api.training.external_pipeline import package_external_pipeline

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")

SIZES = {"three": 3, "wide": 300}
ROWS = 200
STRONGEST = 6


def package_both(folder: Path) -> None:
    """A model of each size, whose first feature decides. Packaged, as training tries out what each feature matters."""
    rng = np.random.default_rng(1)
    for name, size in SIZES.items():
        names = [f"calls in week {week}" for week in range(1, size + 1)]
        table = pd.DataFrame({week: rng.normal(100, 20, ROWS).round(1) for week in names})
        left = np.where(table[names[0]] + rng.normal(0, 10, ROWS) > 100, "Yes", "No")
        pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=0.1)).fit(table, left)
        joblib.dump(pipeline, folder / "model.joblib")
        features = [feature(week, "number", required=True, nullable=False) for week in names]
        package_external_pipeline(
            folder / "model.joblib",
            signature(*features, identifier=None),
            golden_table=write_csv(table.assign(Churn=left), folder / "golden.csv"),
            name=name,
            models_dir=folder,
        )
    (folder / "model.joblib").unlink()
    (folder / "golden.csv").unlink()


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def desk(empty_database, tmp_path_factory):
    """One server with both models."""
    models = made_once(tmp_path_factory, "extremes", package_both)
    with desk_server(desk_settings(tmp_path_factory.mktemp("extremes"), models, empty_database)) as desk:
        yield desk


@pytest.fixture
def page(browser, desk):
    with desk_page(browser, desk, desk.make_key(*EVERYTHING), refused={422}) as page:
        yield page


@pytest.mark.parametrize("model", SIZES)
def test_every_view(page, desk, model):
    """Each view of a very small and of a very large model shows something, without a fault that axe finds."""
    for view, shows in {
        "customer": ".answer .amount",
        "model": ".charts svg",
        "watch": ".state-line",
        "list": ".ranking tbody tr",
    }.items():
        go(page, desk, f"{view}/{model}")
        if view == "list":
            page.get_by_role("button", name="Try it with sample customers").click()
        expect(page.locator(shows).first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert axe_violations(page) == []


def test_three_features(page, desk):
    """A small form is one list of fields, without a search."""
    go(page, desk, "customer/three")
    expect(page.locator(".customer fieldset")).to_have_count(1)
    expect(page.locator(".field[data-name]")).to_have_count(3)
    expect(page.get_by_role("searchbox")).to_have_count(0)


def test_three_hundred_features(page, desk):
    """A large form begins with what matters most, finds a field among the others, and answers a change of it."""
    go(page, desk, "customer/wide")
    strongest, others = page.locator(".customer fieldset").all()
    expect(strongest.locator(".field")).to_have_count(STRONGEST)
    expect(strongest.get_by_label("calls in week 1 *", exact=True)).to_be_visible()
    page.get_by_role("searchbox").fill("WEEK 217")
    expect(others.locator(".field:visible")).to_have_count(1)
    before = page.locator(".sentences").inner_text()
    strongest.get_by_label("calls in week 1 *", exact=True).fill("150")
    expect(page.locator(".sentences")).not_to_have_text(before)
    expect(page.locator(".sentences")).to_contain_text("calls in week 1 is 150")
    field = others.get_by_label("calls in week 217 *", exact=True)
    field.fill("many")
    expect(others.locator('[data-name="calls in week 217"] .says')).to_contain_text("A number is needed")


def test_list_of_three_hundred_columns(page, desk):
    """A row of the call list has its columns when it is opened, so that the page stays light."""
    go(page, desk, "list/wide")
    page.get_by_role("button", name="Try it with sample customers").click()
    expect(page.locator(".ranking tbody tr")).to_have_count(50)
    assert page.locator("main *").count() < 2000
    page.locator(".ranking summary").first.click()
    expect(page.locator(".ranking dd")).to_have_count(SIZES["wide"])
