"""The desk's call list in a real browser. Skipped where there is no Chromium."""

import csv
import io
import re
from pathlib import Path

import pandas as pd
import pytest
import requests
from browsing import CHROMIUM, chromium
from builders import customers, write_csv
from desk_server import (
    EVERYTHING,
    IMAGE,
    PHONE,
    SCRIPT,
    desk_page,
    desk_server,
    go,
    hostile_customers,
    learn_outcomes,
    prepare_desk,
)
from playwright.sync_api import expect
from table_files import read_workbook, write_workbook

from churn_api.config import load_settings
from churn_api.services import Services

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")

ROWS = 300
MANY = 1500
MOST = 40_000_000
FORMULA = "@SUM(1)"


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def desk(models_dir, database_of_models, tmp_path_factory):
    """One server, with a job worker, for all these claims."""
    chosen = {"JOB_WORKER": True, "JOB_PROCESSES": 1, "RATELIMIT_BATCH": "1000/minute", "MAX_JOB_BYTES": MOST}
    settings = prepare_desk(models_dir, database_of_models, tmp_path_factory)
    with desk_server(settings | chosen) as desk:
        yield desk


@pytest.fixture(scope="module")
def key(desk):
    return desk.make_key(*EVERYTHING)


@pytest.fixture
def page(browser, desk, key):
    with desk_page(browser, desk, key) as page:
        yield page


@pytest.fixture
def drop(page, desk):
    """Give the page a file, and wait for what it shows of it."""

    def dropped(path: Path, model: str = "small", shows: str = ".ranking tbody tr") -> None:
        go(page, desk, f"list/{model}")
        page.locator("#list-file").set_input_files(path)
        expect(page.locator(shows).first).to_be_visible()

    return dropped


@pytest.fixture
def saved(page, tmp_path):
    """What a button saves."""

    def save(button: str) -> bytes:
        with page.expect_download() as download:
            page.get_by_role("button", name=button, exact=True).click()
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        return path.read_bytes()

    return save


def predictions(desk, key, path: Path, model: str = "small"):
    """What the API says of the same file, the highest probability first."""
    with path.open("rb") as file:
        answer = requests.post(
            f"{desk.server.url}/api/v1/batch-predict/{model}",
            files={"file": file},
            headers={"X-API-Key": key, "Accept": "application/json"},
            timeout=30,
        )
    return sorted(answer.json()["predictions"], key=lambda one: -one["churn_probability"])


def rows_of(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"))))


def number(text: str) -> int:
    return int(re.findall(r"[\d,]+", text)[0].replace(",", ""))


@pytest.mark.parametrize("model", ["small", "odd", "hostile"])
def test_sample_customers(page, desk, model):
    """Made-up customers can be scored by any model, and every one of them is valid."""
    go(page, desk, f"list/{model}")
    page.get_by_role("button", name="Try it with sample customers").click()
    expect(page.locator(".lead")).to_contain_text("240 customers of sample-customers.csv")
    expect(page.locator(".ranking tbody tr")).to_have_count(50)
    assert page.locator(".bad-rows").count() == 0
    assert page.locator("main script, main img").count() == 0


def test_ranking(page, desk, key, drop, tmp_path):
    """The list has the order and the sums of the API's answer, a page at a time, and the search finds all of it."""
    path = write_csv(customers(ROWS), tmp_path / "march.csv")
    drop(path)
    answered = predictions(desk, key, path)
    shown = page.locator(".ranking tbody tr")
    assert shown.locator("summary").all_inner_texts() == [one["customer_id"] for one in answered[:50]]
    expected = sum(one["churn_probability"] for one in answered)
    assert number(page.locator(".figure-line .amount").inner_text()) == round(expected)
    above = sum(one["churn_prediction"] for one in answered)
    expect(page.get_by_label("How many can you call?")).to_have_value(str(above))
    page.get_by_label("How many can you call?").fill("20")
    reached = sum(one["churn_probability"] for one in answered[:20])
    expect(page.locator(".reached")).to_contain_text(f"about {reached:.0f} who would leave: {reached / expected:.0%}")
    expect(page.locator(".ranking .called")).to_have_count(20)
    page.get_by_role("button", name="Next").click()
    expect(shown.first.locator("summary")).to_have_text(answered[50]["customer_id"])
    page.get_by_role("searchbox").fill(answered[123]["customer_id"].lower())
    expect(shown).to_have_count(1)
    expect(shown.locator("td").first).to_have_text("124")


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "parquet"])
def test_saved_list(page, desk, key, drop, saved, tmp_path, suffix):
    """The customers to call are saved in their order, with their own columns, as CSV and as a workbook."""
    table = customers(ROWS).assign(Phone="+49 30 1234", Note=FORMULA)
    path = tmp_path / f"march.{suffix}"
    if suffix == "xlsx":
        path.write_bytes(write_workbook(table))
    else:
        table.to_csv(path, index=False) if suffix == "csv" else table.to_parquet(path)
    drop(path)
    page.get_by_label("How many can you call?").fill("7")
    answered = [one["customer_id"] for one in predictions(desk, key, path)]
    by_csv = rows_of(saved("CSV"))
    assert [row["customer_id"] for row in by_csv] == answered[:7]
    assert {(row["Phone"], row["Note"]) for row in by_csv} == {("'+49 30 1234", f"'{FORMULA}")}
    by_excel = read_workbook(saved("Excel"))
    assert [row["customer_id"] for row in by_excel] == answered[:7]
    assert {(row["Phone"], row["Note"]) for row in by_excel} == {("+49 30 1234", FORMULA)}
    assert [row["tenure"] for row in by_excel] == [float(row["tenure"]) for row in by_csv]
    page.get_by_label("the first 7 only").uncheck()
    assert [row["customer_id"] for row in rows_of(saved("CSV"))] == answered


def test_order_of_many_rows(page, desk):
    """A list of several parts, more than are sorted at once, is read in its order without a gap."""
    go(page, desk, "list/small")
    ranks = page.evaluate(
        """async (rows) => {
            const { readScored } = await import(`${document.documentElement.dataset.words}/../scored-rows.js`);
            const lines = Array.from({ length: rows }, (_, row) => {
                const share = ((row * 7919) % rows) / rows;
                return JSON.stringify({ customer_id: row, churn_probability: share, risk_band: "low" });
            });
            const scored = await readScored(new Blob([lines.join("\\n")]), new AbortController().signal);
            const found = [];
            for await (const part of scored.inOrder(scored.ranked.subarray(0, rows - 1)))
                found.push(...part.map((row) => Math.round(row.churn_probability * rows)));
            return found;
        }""",
        25_000,
    )
    assert ranks == list(range(24_999, 0, -1))


def test_bad_rows(page, drop, saved, tmp_path):
    """Rows at fault are named by line and column, with what to do, and are saved apart; the others are in the list."""
    table = customers(30).astype({"tenure": object})
    table.loc[3, "Contract"], table.loc[9, "tenure"], table.loc[9, "customerID"] = "One yeer", "many", FORMULA
    drop(write_csv(table, tmp_path / "march.csv"), shows=".bad-rows")
    page.get_by_text("What is wrong").click()
    faults = page.locator(".bad-rows tbody tr")
    assert [row.split("\t")[:2] for row in faults.all_inner_texts()] == [["5", "Contract"], ["11", "tenure"]]
    assert "Did you mean 'One year'?" in faults.first.inner_text()
    expect(page.locator(".ranking tbody tr")).to_have_count(28)
    bad = rows_of(saved("Save these rows"))
    assert [row["Contract"] for row in bad][:1] == ["One yeer"]
    assert (bad[1]["customer_id"], bad[1]["tenure"]) == (f"'{FORMULA}", "many")
    assert bad[1]["problem"].startswith("tenure: ")


def test_hostile_cells(page, drop, saved, tmp_path):
    """Names and cells that are called like markup are text, are found, and are saved as they are."""
    table = hostile_customers().assign(Name=f'{IMAGE}, "so"\nhe said')
    drop(write_csv(table, tmp_path / "x.csv"), "hostile")
    assert page.locator("main script, main img").count() == 0
    expect(page.locator(".ranking .causes").first).to_contain_text(SCRIPT)
    page.locator(".ranking summary").first.click()
    expect(page.locator(".ranking dl").first).to_contain_text(IMAGE)
    page.get_by_role("searchbox").fill(f'{IMAGE}, "so"'.upper())
    expect(page.get_by_text("1 to 50 of 300")).to_be_visible()
    page.get_by_label("How many can you call?").fill("2")
    assert {row["Name"] for row in read_workbook(saved("Excel"))} == {f'{IMAGE}, "so"\nhe said'}


def test_job(page, desk, key, drop, tmp_path):
    """Customers beyond the limit of a request are scored as a job, which a reload does not lose, and can be stopped."""
    path = write_csv(customers(MANY), tmp_path / "all.csv")
    drop(path, shows="progress")
    # Before that the file is still being sent, and a reload ends it.
    with page.expect_response("**/api/v1/jobs/*"):
        pass
    with page.expect_response("**/api/v1/jobs/*"):
        page.reload()
    expect(page.locator(".lead")).to_contain_text(f"{MANY:,} customers of all.csv")
    expect(page.get_by_text(f"1 to 50 of {MANY:,}")).to_be_visible()
    page.get_by_text("As curl / Python").click()
    assert "/jobs/" in page.locator("pre").nth(2).inner_text()
    page.reload()
    expect(page.locator(".ranking tbody tr")).to_have_count(50)
    page.get_by_role("button", name="Another file").click()
    page.locator("#list-file").set_input_files(path)
    expect(page.locator("progress")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".drop")).to_be_visible()
    page.reload()
    expect(page.locator(".drop")).to_be_visible()


def with_outcomes(desk, share):
    """Of the customers predicted to leave a share left, as far as outcomes are known."""
    services = Services(load_settings(desk.settings))
    learn_outcomes(services, share)
    services.database.close()


@pytest.fixture
def costs(desk, key):
    """The model `small` has costs."""
    costs = {"offer": 10, "contact": 2, "value": "MonthlyCharges", "months": 12, "margin": 0.5, "success": 0.3}
    url = f"{desk.server.url}/api/v1/models/small/costs"
    assert requests.put(url, json=costs, headers={"X-API-Key": key}, timeout=30).status_code == 200
    yield
    assert requests.delete(url, headers={"X-API-Key": key}, timeout=30).status_code == 200


def test_list_by_gain(page, desk, key, drop, saved, tmp_path, costs):
    """With costs the list is ranked by gain within a budget, has the job's figures, and leaves some out at random."""
    with_outcomes(desk, share=1)
    drop(write_csv(customers(ROWS), tmp_path / "march.csv"))
    page.get_by_label("Budget, at most").fill("400")
    page.get_by_label("Leave out one in ten").check()
    page.get_by_role("button", name="Rank by gain").click()
    figures = page.locator(".tile-figure")
    expect(figures).to_have_count(4)
    jobs = f"{desk.server.url}/api/v1/jobs?limit=1"
    (job,) = requests.get(jobs, headers={"X-API-Key": key}, timeout=30).json()["jobs"]
    totals = job["call_list"]
    names = ("called", "expected_cost", "expected_kept", "expected_profit")
    assert [number(figure) for figure in figures.all_inner_texts()] == [round(totals[name]) for name in names]
    rows = rows_of(saved("CSV"))
    gains = [float(row["gain"]) for row in rows]
    assert gains == sorted(gains, reverse=True)
    assert [row["group"] for row in rows].count("call") == totals["called"]


def test_withheld_amounts(page, desk, drop, tmp_path, costs):
    """Where outcomes show that probabilities are off, the page shows no amounts, and says why."""
    with_outcomes(desk, share=0.7)
    drop(write_csv(customers(ROWS), tmp_path / "march.csv"))
    page.get_by_label("Calls, at most").fill("20")
    page.get_by_role("button", name="Rank by gain").click()
    figures = page.locator(".tile-figure")
    expect(figures).to_have_count(4)
    assert figures.all_inner_texts() == ["20", *3 * ["\N{EN DASH}"]]
    expect(page.get_by_text("the model's probabilities are off")).to_be_visible()


def test_too_large(page, desk, tmp_path):
    """A file that is larger than the service takes is refused before it is sent."""
    go(page, desk, "list/small")
    with (tmp_path / "large.csv").open("wb") as file:
        file.truncate(50_000_000)
    page.locator("#list-file").set_input_files(tmp_path / "large.csv")
    expect(page.get_by_role("alert")).to_have_text("This file has 50 MB; the service takes 40 MB at most.")


def test_key_without_jobs(browser, desk, tmp_path):
    """A key that may not submit jobs is told which scope it lacks, and the file can be chosen again."""
    with desk_page(browser, desk, desk.make_key("predict", "models:read"), refused={403}) as page:
        go(page, desk, "list/small")
        page.locator("#list-file").set_input_files(write_csv(customers(MANY), tmp_path / "all.csv"))
        expect(page.get_by_role("alert").first).to_contain_text("it needs the scope jobs")
        expect(page.locator(".drop")).to_be_visible()


def test_unreadable_file(browser, desk, key, tmp_path):
    """What is no table is refused in words, and the page goes on."""
    with desk_page(browser, desk, key, refused={400, 415, 422}) as page:
        for name, content in (("x.parquet", b"PAR1 and nothing"), ("x.csv", b"a;b\n1;2\n"), ("x.exe", b"MZ")):
            go(page, desk, "list/small")
            (tmp_path / name).write_bytes(content)
            page.locator("#list-file").set_input_files(tmp_path / name)
            expect(page.locator(".notice.bad")).to_be_visible()
            expect(page.locator(".drop")).to_be_visible()


def test_phone_and_keyboard(browser, desk, key):
    """On a phone nothing is wider than the screen, and the keyboard alone gets from the file to the list."""
    with desk_page(browser, desk, key, viewport=PHONE) as page:
        go(page, desk, "list/small")
        page.locator("#list-file").focus()
        with page.expect_file_chooser():
            page.keyboard.press("Space")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator(".ranking tbody tr")).to_have_count(50)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_list_is_the_callers(page, desk):
    """After signing out, the list of the one who was signed in is gone."""
    go(page, desk, "list/small")
    page.get_by_role("button", name="Try it with sample customers").click()
    expect(page.locator(".ranking tbody tr")).to_have_count(50)
    page.goto(f"{desk.server.url}/#/customer/small")
    expect(page.locator(".answer .amount")).to_be_visible()
    page.goto(f"{desk.server.url}/#/list/small")
    expect(page.locator(".ranking tbody tr")).to_have_count(50)
    page.evaluate("key => sessionStorage.setItem('churn-desk-key', key)", desk.make_key("predict", "models:read"))
    page.goto(f"{desk.server.url}/#/customer/small")
    page.goto(f"{desk.server.url}/#/list/small")
    expect(page.locator(".drop")).to_be_visible()


def test_no_customer(browser, desk, key, tmp_path):
    """A file without any row that can be scored says so."""
    with desk_page(browser, desk, key, refused={422}) as page:
        go(page, desk, "list/small")
        bad = pd.DataFrame({"customerID": ["a"], "tenure": ["x"], "MonthlyCharges": [1], "Partner": ["Yes"]})
        page.locator("#list-file").set_input_files(write_csv(bad.assign(Contract="One year"), tmp_path / "x.csv"))
        expect(page.get_by_text("No row of this file could be scored.")).to_be_visible()
