"""A year of a company, which live quality sees as it was."""

import numpy as np
import pytest

from benchmarks.simulated_year import CHALLENGER, CHANGED_FROM, LIVE, MONTHS, NAME, UNKNOWN_A_MONTH, Company, truth
from churn_api.registry.model import load_model


@pytest.fixture
def company(database, models_dir, tmp_path):
    company = Company(database, tmp_path / "log", load_model(models_dir / "default" / "1"))
    company.live_a_year()
    return company


def test_year(company):
    """Repeats, late outcomes, corrections, unknown customers and calls leave every figure as it truly is."""
    quality = company.quality()
    assert (quality["model_name"], quality["unknown_outcomes"]) == (NAME, MONTHS * UNKNOWN_A_MONTH)
    versions = {(one["version"], one["variant"]): one for one in quality["versions"]}
    assert set(versions) == {(LIVE, "live"), (CHALLENGER, "challenger")}
    for (version, _), one in versions.items():
        assert len(one["windows"]) == MONTHS
        for month, window in zip(company.months, one["windows"], strict=True):
            true = truth(month, version)
            assert (window["start"], window["end"]) == (month.period.first, month.period.last)
            assert (window["predictions"], window["leavers"]) == (true.predictions, true.leavers)
            if window["state"] == "measured":
                assert window["roc_auc"]["value"] == pytest.approx(true.roc_auc, abs=2e-3)
                assert window["calibration"]["value"] == pytest.approx(true.calibration, abs=1e-3)
    called = sum(window["predictions"] for one in versions.values() for window in one["contacted"])
    assert called == sum(int(month.customers["called"].sum()) for month in company.months)
    shows_the_change(versions[LIVE, "live"]["windows"])
    shows_the_worse(versions[LIVE, "live"]["windows"], versions[CHALLENGER, "challenger"]["windows"])


def shows_the_change(windows):
    """Figures of a steady year lie within each other's intervals; a change of behaviour shows in outcomes alone."""
    areas = [window["roc_auc"] for window in windows]
    usual = np.mean([area["value"] for area in areas[:CHANGED_FROM]])
    within = [area["low"] <= usual <= area["high"] for area in areas[:CHANGED_FROM]]
    assert sum(within) >= CHANGED_FROM - 1
    assert all(area["high"] < usual for area in areas[CHANGED_FROM:])
    expected = [window["expected"]["roc_auc"] for window in windows]
    assert np.mean(expected[CHANGED_FROM:]) == pytest.approx(np.mean(expected[:CHANGED_FROM]), abs=0.03)


def shows_the_worse(live, challenger):
    """Over the steady months the challenger is worse than the live version by more than chance."""
    pairs = [
        (one["roc_auc"]["value"], other["roc_auc"]["value"])
        for one, other in zip(live[:CHANGED_FROM], challenger[:CHANGED_FROM], strict=True)
        if other["state"] == "measured"
    ]
    better = np.array([one - other for one, other in pairs])
    assert len(better) >= 3
    assert better.mean() > 2 * better.std() / np.sqrt(len(better))
