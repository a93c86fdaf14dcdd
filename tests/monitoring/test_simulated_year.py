"""A year of a company, lived through the API, which live quality and experiments see as it was."""

import numpy as np
import pytest

from benchmarks.simulated_company import (
    AB_FROM,
    AB_UNTIL,
    CHALLENGER,
    CHANGED_FROM,
    LIVE,
    MONTHS,
    NAME,
    UNKNOWN_A_MONTH,
    Company,
)
from benchmarks.simulated_year import SETTINGS, quality, truth
from churn_api.app import create_app
from churn_api.store.audit import latest_entries
from churn_api.web.core.in_process_api import close


@pytest.fixture
def company(database, database_url, company_models):
    app = create_app({"MODELS_DIR": str(company_models), "DATABASE_URL": database_url, **SETTINGS})
    company = Company(app)
    company.live_a_year()
    yield company
    close(app)


def test_year(company, database):
    """Repeats, late outcomes, corrections, unknown customers and calls leave every figure as it truly is.

    The challenger, which looked as good in training, loses as a shadow and in the A/B test.
    """
    document = quality(company)
    assert (document["model_name"], document["unknown_outcomes"]) == (NAME, MONTHS * UNKNOWN_A_MONTH)
    sources = {(one["version"], one["variant"]): one for one in document["versions"]}
    assert set(sources) == {(LIVE, "live"), (LIVE, "control"), (CHALLENGER, "challenger")}
    for source, one in sources.items():
        is_as_it_was(company, source, one)
    called = sum(window["predictions"] for one in sources.values() for window in one["contacted"])
    assert called == sum(int(month.customers["called"].sum()) for month in company.months)
    trained = {one["version"]: one["trained"]["roc_auc"] for one in sources.values()}
    assert trained[CHALLENGER] == pytest.approx(trained[LIVE], abs=0.02)
    counts_odd_reports(company)
    shows_the_change([*sources[LIVE, "control"]["windows"], *sources[LIVE, "live"]["windows"]])
    decides_the_shadow(company)
    decides_the_groups(company, database)


def is_as_it_was(company, source, one):
    """Each window has the counts of the customers themselves, and their figures to the width of a bin."""
    months = {month.period.first.isoformat(): month for month in company.months if truth(month, *source)}
    assert [window["start"] for window in one["windows"]] == list(months)
    for window, month in zip(one["windows"], months.values(), strict=True):
        true = truth(month, *source)
        assert window["end"] == month.period.last.isoformat()
        assert (window["predictions"], window["leavers"]) == (true.predictions, true.leavers)
        if window["state"] == "measured":
            assert window["roc_auc"]["value"] == pytest.approx(true.roc_auc, abs=2e-3)
            assert window["calibration"]["value"] == pytest.approx(true.calibration, abs=1e-3)


def counts_odd_reports(company):
    """What was sent again is counted as known, what was corrected as replaced, and what came too late as late."""
    for first, second in zip(company.receipts[::2], company.receipts[1::2], strict=True):
        heard = second["received"]
        missing = -(-heard // 12)
        assert first["stored"] == first["received"] == heard - missing + UNKNOWN_A_MONTH
        assert (second["stored"], second["late"]) == (missing, missing + second["replaced"])
        assert second["unchanged"] == heard - missing - second["replaced"]
        assert second["replaced"] > 0


def shows_the_change(windows):
    """Figures of a steady year lie within each other's intervals; a change of behaviour shows in outcomes alone."""
    windows = sorted((one for one in windows if one["state"] == "measured"), key=lambda one: one["start"])
    areas = [window["roc_auc"] for window in windows]
    usual = np.mean([area["value"] for area in areas[:CHANGED_FROM]])
    within = [area["low"] <= usual <= area["high"] for area in areas[:CHANGED_FROM]]
    assert sum(within) >= CHANGED_FROM - 1
    assert all(area["high"] < usual for area in areas[CHANGED_FROM:])
    expected = [window["expected"]["roc_auc"] for window in windows]
    assert np.mean(expected[CHANGED_FROM:]) == pytest.approx(np.mean(expected[:CHANGED_FROM]), abs=0.03)


def decides_the_shadow(company):
    """Each customer who was not called is a pair, and the live version has the lower Brier score."""
    verdict = company.ask("GET", f"experiments/{company.experiments['shadow']}")["verdict"]
    uncalled = [int((~month.customers["called"]).sum()) for month in company.months[:AB_FROM]]
    assert (verdict["state"], verdict["better"], verdict["outcomes"]) == ("decided", "live", sum(uncalled))


def decides_the_groups(company, database):
    """More customers leave where the challenger says whom to call; the audit log has who is better, and by how much."""
    document = company.ask("GET", f"experiments/{company.experiments['ab']}")
    verdict, (left, *_) = document["verdict"], document["verdict"]["measures"]
    rows = [month.customers for month in company.months[AB_FROM:AB_UNTIL]]
    rates = {
        variant: np.mean(np.concatenate([one.left[one.variant == variant] for one in rows]))
        for variant in ("control", "challenger")
    }
    assert (document["state"], verdict["state"], verdict["better"]) == ("stopped", "decided", "live")
    assert verdict["outcomes"] == sum(map(len, rows))
    assert (left["measure"], left["difference"]) == ("left", pytest.approx(rates["control"] - rates["challenger"]))
    assert left["low"] < left["difference"] < left["high"] < 0
    acts = [one for one in latest_entries(database, 200) if one.action == "experiments.decide"]
    assert [(act.actor, act.detail["better"]) for act in acts] == [("outcomes", "live")] * 2
    assert document["result"]["measure"] == "left"
