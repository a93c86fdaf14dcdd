"""The desk in a real browser. Skipped where there is no Chromium."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from browsing import AXE, CHROMIUM, axe_violations, chromium, cut_chips, cut_texts
from builders import customers
from desk_server import DESKTOP, EVERYTHING, IMAGE, PHONE, QUOTED, SCRIPT, desk_page, desk_server, go, prepare_desk
from playwright.sync_api import expect

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")

VIEWS = ("customer/small", "list/small", "model/small", "watch/small")
LOOKS = {
    "desktop": {"viewport": DESKTOP},
    "phone": {"viewport": PHONE, "locale": "de-DE"},
    "dark": {"viewport": DESKTOP, "color_scheme": "dark"},
}


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def settings(models_dir, database_of_models, tmp_path_factory):
    return prepare_desk(models_dir, database_of_models, tmp_path_factory)


@pytest.fixture(scope="module")
def desk(settings):
    """One server for all these claims."""
    with desk_server(settings) as desk:
        yield desk


@pytest.fixture(scope="module")
def key(desk):
    return desk.make_key(*EVERYTHING)


@pytest.fixture
def page(browser, desk, key):
    with desk_page(browser, desk, key) as page:
        yield page


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> Path:
    """Where pictures of the views are written: DESK_PICTURES, or a folder of the test's own."""
    folder = Path(os.environ.get("DESK_PICTURES") or tmp_path_factory.mktemp("pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def amount(page):
    return page.locator(".answer .amount")


def ask(desk, key, path, **options):
    return requests.request(
        options.pop("method", "GET"),
        f"{desk.server.url}/api/v1{path}",
        headers={"X-API-Key": key},
        timeout=30,
        **options,
    )


def test_one_customer(page, desk, key):
    """The view begins with a typical customer, and its answer is that of the API, also after a change."""
    go(page, desk, "customer/small")
    before = amount(page).inner_text()
    page.get_by_label("Contract").select_option(label="Two year")
    expect(amount(page)).not_to_have_text(before)
    expect(page.locator(".answer")).not_to_have_attribute("data-busy", "")
    page.get_by_text("As curl / Python").click()
    sent = re.search(r"-d '(.*)'", page.locator("pre").first.inner_text())
    answer = ask(desk, key, "/predict/small", method="POST", json=json.loads(sent[1])).json()
    assert float(amount(page).inner_text().rstrip("%")) == pytest.approx(100 * answer["churn_probability"], abs=0.5)
    assert page.locator(".answer .chip").first.inner_text() == f"{answer['risk_band']} risk"
    report = ask(desk, key, "/models/small/report").json()["calibration"]
    nearest = min(report, key=lambda one: abs(one["predicted"] - answer["churn_probability"]))
    assert f"about {round(nearest['observed'] * 100)} left" in page.locator(".often").inner_text()


def test_code(page, desk, key):
    """What a view shows as curl and as Python answers what the view shows, and has no key in it."""
    go(page, desk, "customer/small")
    page.get_by_text("As curl / Python").click()
    curl, python = page.locator("pre").all_inner_texts()
    assert key not in curl + python
    environment = os.environ | {"KEY": key}
    by_curl = subprocess.run(["bash", "-c", curl], env=environment, capture_output=True, text=True, check=True).stdout
    by_python = subprocess.run([sys.executable, "-c", python], env=environment, capture_output=True, text=True).stdout
    answers = [json.loads(text) for text in (by_curl, by_python)]
    assert answers[0]["churn_probability"] == answers[1]["churn_probability"]
    sentences = page.locator(".sentences li:not(.quiet)").all_inner_texts()
    assert [reason["text"] for reason in answers[0]["reasons"]] == sentences


def test_faults_and_warnings_stand_at_their_fields(browser, desk, key):
    """What the API refuses, and what it warns of, stands at the field that its pointer names."""
    with desk_page(browser, desk, key, refused={422}) as page:
        go(page, desk, "customer/small")
        tenure = page.get_by_label("tenure *", exact=True)
        tenure.fill("three")
        field = page.locator('.field[data-name="tenure"]')
        expect(field.locator(".says")).to_have_text("A whole number is needed, such as 12.")
        expect(tenure).to_have_attribute("aria-invalid", "true")
        tenure.fill("500")
        expect(field.locator(".says")).to_contain_text("Training saw 0 to 71")
        expect(tenure).to_have_attribute("aria-invalid", "false")
        tenure.fill("12")
        expect(field.locator(".says")).to_be_empty()


@pytest.mark.parametrize("form", ["rows", "json"])
def test_pasted_customer(page, desk, key, form):
    """A row of the training table with its header, or as JSON, fills the form, and gets the API's answer."""
    row = customers().iloc[[7]]
    go(page, desk, "customer/small")
    page.get_by_text("Paste a row or JSON").click()
    text = row.to_csv(index=False, sep="\t") if form == "rows" else row.to_json(orient="records")
    page.get_by_role("textbox", name="Paste a row or JSON").fill(text)
    page.get_by_role("button", name="Take over").click()
    expect(page.get_by_label("Customer (optional)")).to_have_value(row.customerID.item())
    record = json.loads(row.drop(columns=["Churn"]).to_json(orient="records"))[0]
    answer = ask(desk, key, "/predict/small", method="POST", json=record).json()
    expect(amount(page)).to_have_text(
        re.compile(f"^{100 * answer['churn_probability']:.0f}|^{100 * answer['churn_probability']:.1f}")
    )


@pytest.mark.parametrize("view", ["customer", "model", "watch"])
def test_hostile_names(page, desk, view):
    """Columns and choices that are called like markup are text in every view."""
    go(page, desk, f"{view}/hostile")
    expect(page.get_by_text(SCRIPT).first).to_be_attached()
    assert page.locator("main script, main img").count() == 0
    if view == "customer":
        expect(amount(page)).to_be_visible()
        page.get_by_label(QUOTED).select_option(label=IMAGE)
        expect(page.locator(".sentences")).to_contain_text(IMAGE)
        page.get_by_label("since").fill("2025-06-01")
        expect(page.locator(".answer")).not_to_have_attribute("data-busy", "")


def test_model(page, desk, key):
    """The view of a model has the figures of its report, compares a second version, and makes it live and back."""
    go(page, desk, "model/small")
    report = ask(desk, key, "/models/small/report").json()
    assert page.locator(".tile-figure").first.inner_text() == f"{report['metrics']['roc_auc']['mean']:.3f}"
    page.get_by_role("button", name="Compare version 1 with the live one").click()
    expect(page.locator(".charts path.line")).to_have_count(6)
    page.get_by_role("button", name="Roll back small to version 1").click()
    page.get_by_role("button", name="Yes, switch").click()
    expect(page.locator("h1")).to_have_text("small, version 1")
    assert ask(desk, key, "/models/small").json()["live"] == "1"
    page.get_by_role("button", name="Make version 2 of small live").click()
    page.get_by_role("button", name="Cancel").click()
    assert ask(desk, key, "/models/small").json()["live"] == "1"
    page.get_by_role("button", name="Make version 2 of small live").click()
    page.get_by_role("button", name="Yes, switch").click()
    expect(page.locator("#version")).to_have_text("Version 2")


def test_costs(browser, desk, key):
    """Who may sets what a call costs: the profit by threshold is drawn, and the threshold of predictions follows."""
    with desk_page(browser, desk, key, refused={422}) as page:
        go(page, desk, "model/default")
        page.get_by_text("Set costs").first.click()
        for name, text in {"accepted offer": "10", "A call costs": "1", "worth": "a fortune", "Share": "0,3"}.items():
            page.get_by_label(name).fill(text)
        page.get_by_role("button", name="Set costs").click()
        page.get_by_role("button", name="Yes, switch").click()
        expect(page.locator("form .notice")).to_contain_text("value")
        page.get_by_label("worth").fill("200")
        page.get_by_role("button", name="Set costs").click()
        page.get_by_role("button", name="Yes, switch").click()
        expect(page.get_by_text("A call gains from a probability of 16.4%")).to_be_visible()
        profit = ask(desk, key, "/models/default/profit").json()["at"]["costs"]["profit"]
        expect(page.get_by_text(f"would have gained {profit:,.0f}")).to_be_visible()
        page.get_by_label("Language").select_option(label="Deutsch")
        expect(page.get_by_text("Gewinn nach Schwelle")).to_be_visible()
        assert cut_texts(page) == []
        page.get_by_label("Sprache").select_option(label="English")
        page.get_by_text("Set costs").first.click()
        page.get_by_role("button", name="Remove").click()
        page.get_by_role("button", name="Yes, switch").click()
        expect(page.get_by_text("No costs are set.")).to_be_visible()


def test_threshold(page, desk, key):
    """Moving the threshold says what calling from there would have meant, as the report has it."""
    go(page, desk, "model/small")
    page.get_by_label("Call from a probability of").fill("0")
    point = ask(desk, key, "/models/small/report").json()["operating_points"][0]
    called, total = point["true_positives"] + point["false_positives"], sum(point.values()) - point["threshold"]
    expect(page.locator(".outcome")).to_contain_text(f"you would call {round(100 * called / total)}")


def test_who_may_not(browser, desk):
    """A key that may only read sees no button that makes a version live."""
    with desk_page(browser, desk, desk.make_key("predict", "models:read")) as page:
        go(page, desk, "model/small")
        expect(page.get_by_text("To make a version live, sign in")).to_be_visible()
        assert page.get_by_role("button", name="Roll back").count() == 0


def test_watch(page, desk, key):
    """The view of the watch says in words which features drifted, and shows the shares of one that is chosen."""
    go(page, desk, "watch/small")
    watch = ask(desk, key, "/models/small/watch").json()
    assert watch["alerts"] == ["tenure"]
    expect(page.locator(".alerts strong")).to_have_text(
        ["Probabilities", "tenure"] if watch["score_alert"] else ["tenure"]
    )
    closed = [window for window in watch["windows"] if window["state"] != "too-few"]
    expect(page.locator(".heat thead th")).to_have_count(len(closed) + 1)
    ranges = page.locator(".narrow:has-text('tenure: share') svg .tick").all_text_contents()
    # Names of both bounds would be cut.
    assert any(name.startswith("≤") for name in ranges)
    assert not any(name.endswith("…") for name in ranges)
    page.get_by_role("button", name="Contract").click()
    expect(page.get_by_text("Contract: share of customers")).to_be_visible()
    page.get_by_label("Period").select_option(label="Last 7 days")
    expect(page.get_by_text("As curl / Python")).to_be_visible()


def test_live_quality(page, desk, key):
    """The view of the watch has the figures of each window whose outcomes are known, as the API answers them."""
    go(page, desk, "watch/small")
    quality = ask(desk, key, "/models/small/quality").json()
    (live,) = [one for one in quality["versions"] if one["version"] == "2"]
    assert len(live["windows"]) == 2
    latest = live["windows"][-1]["roc_auc"]
    row = page.get_by_role("region", name="What became of them").get_by_role("row").nth(1)
    expect(row).to_contain_text(f"{latest['value']:.3f} ({latest['low']:.3f}")
    expect(page.get_by_text("Version 2 does not say within how many days")).to_be_visible()
    expect(page.locator(".notice.list li")).to_have_count(len(quality["advice"]))


def test_experiment(page, desk, key):
    """Who may starts a version in the shadow of the live one, reads what is known of both, and stops it."""
    go(page, desk, "watch/hostile")
    page.get_by_label("How").select_option(label="in the shadow: it answers no one")
    page.get_by_role("button", name="Start").click()
    page.get_by_role("button", name="Yes, switch").click()
    expect(page.get_by_text("Version 1 scores in the shadow of version 2")).to_be_visible()
    (experiment,) = ask(desk, key, "/experiments?model=hostile&state=running").json()["experiments"]
    verdict = ask(desk, key, f"/experiments/{experiment['id']}").json()["verdict"]
    assert verdict["state"] == "too-few"
    expect(page.get_by_text(f"Only {verdict['outcomes']} outcomes are known: too few to compare.")).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="Yes, switch").click()
    expect(page.get_by_text("Ended: stopped on request")).to_be_visible()
    assert ask(desk, key, "/experiments?model=hostile&state=running").json()["count"] == 0


def test_languages(page, desk):
    """The reader's language is kept, and texts that the API makes follow it."""
    go(page, desk, "customer/small")
    page.get_by_label("Language").select_option(label="Deutsch")
    expect(page.locator("h1")).to_have_text("Ein Kunde")
    expect(page.locator(".sentences li").first).to_contain_text("Risiko")
    page.reload()
    expect(page.locator("h1")).to_have_text("Ein Kunde")
    assert page.evaluate("document.documentElement.lang") == "de"


def test_faults_in_the_readers_language(browser, desk, key):
    """What the API refuses or doubts is said in German too, with the API's figures."""
    with desk_page(browser, desk, key, refused={422}, locale="de-DE") as page:
        go(page, desk, "customer/small")
        says = page.locator('.field[data-name="tenure"] .says')
        expect(page.get_by_label("MonthlyCharges", exact=True)).to_have_value(re.compile(r"^\d+,\d+$"))
        page.get_by_label("tenure *", exact=True).fill("drei")
        expect(says).to_have_text("Hier gehört eine ganze Zahl hin, etwa 12.")
        expect(page.get_by_role("alert")).to_contain_text("Einige Angaben sind nicht gültig.")
        page.get_by_label("tenure *", exact=True).fill("500")
        expect(says).to_have_text("Im Training kamen 0 bis 71 vor.")


def test_keyboard(page, desk):
    """Everything is reached and done by keyboard: skipping to the content, a field, another view."""
    go(page, desk, "customer/small")
    expect(amount(page)).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_class("skip")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    before = amount(page).inner_text()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "range":
            break
    page.keyboard.press("End")
    expect(amount(page)).not_to_have_text(before)
    page.evaluate("scrollTo(0, 500)")
    page.locator("nav a", has_text="Watch").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Watch")
    expect(page.locator("main")).to_be_focused()
    assert page.evaluate("scrollY") == 0


def tab_to(page, target):
    """Press Tab until an element has the focus."""
    target.wait_for()
    for _ in range(100):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    pytest.fail("Tab does not reach it")


def test_keyboard_alone_in_the_model(page, desk, key):
    """The threshold is moved, a version compared, and a switch asked for and refused, without a mouse."""
    go(page, desk, "model/small")
    tab_to(page, page.get_by_label("Call from a probability of"))
    page.keyboard.press("End")
    expect(page.locator(".outcome")).to_contain_text("you would call 0")
    tab_to(page, page.get_by_role("button", name="Compare version 1 with the live one"))
    page.keyboard.press("Space")
    expect(page.locator(":focus")).to_have_attribute("aria-pressed", "true")
    back = page.get_by_role("button", name="Roll back small to version 1")
    tab_to(page, back)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(back).to_be_focused()
    assert ask(desk, key, "/models/small").json()["live"] == "2"


def test_keyboard_alone_in_the_watch(page, desk):
    """The period is chosen, and a feature opened, without a mouse."""
    go(page, desk, "watch/small")
    tab_to(page, page.get_by_label("Period"))
    with page.expect_response("**/watch?days=90"):
        page.keyboard.press("ArrowDown")
    tab_to(page, page.get_by_role("button", name="Contract"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("Contract: share of customers")).to_be_visible()


@pytest.mark.parametrize("look", LOOKS)
def test_accessible_and_as_wide_as_its_screen(browser, desk, key, pictures, look):
    """No view has a fault that axe finds, or is wider than its screen; each leaves a picture."""
    with desk_page(browser, desk, key, **LOOKS[look]) as page:
        for view in VIEWS:
            go(page, desk, view)
            if view == "list/small":
                page.locator(".try button").first.click()
                expect(page.locator(".ranking tbody tr")).to_have_count(50)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=pictures / f"{view.split('/')[0]}-{look}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") == LOOKS[look]["viewport"]["width"]
            assert axe_violations(page) == []
            assert cut_texts(page) + cut_chips(page) == []
    if not AXE.exists():
        pytest.skip("axe-core is not here: `make linters` installs it, where npm is")


def test_open(browser, settings):
    """Under AUTH=open there is nothing to do: the page shows the default model's view at once."""
    with desk_server(settings | {"AUTH": "open"}) as desk, desk_page(browser, desk, None) as page:
        page.goto(f"{desk.server.url}/")
        expect(amount(page)).to_be_visible()
        expect(page.locator("#version")).to_have_text("Version 1")
