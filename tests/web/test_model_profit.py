"""GET /api/v1/models/<model>/profit: what calling would gain with the costs of a model."""

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from sqlalchemy import insert

from churn_api.monitoring.call_effect import Group, call_effect
from churn_api.monitoring.live_calibration import is_off, live_calibration
from churn_api.monitoring.live_figures import Estimate
from churn_api.monitoring.profit_document import NoProfit, profit_document
from churn_api.monitoring.quality_counts import QualityCounts, encode
from churn_api.registry.bundle import read_card
from churn_api.registry.decision import CostsInForce
from churn_api.registry.evaluation_report import read_report
from churn_api.scoring.costs import Costs
from churn_api.store.monitoring_tables import QUALITY_DAYS

ROUTE = "/api/v1/models/small/profit"
ONE_VALUE = {"offer": 10, "contact": 1, "value": 200, "success": 0.3}
BY_CHARGE = {"offer": 10, "contact": 1, "value": "MonthlyCharges", "success": 0.3, "months": 12, "margin": 0.5}


def profit_with(client, costs, query=""):
    assert client.put("/api/v1/models/small/costs", json=costs).status_code == 200
    answer = client.get(ROUTE + query)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def test_profit(client, models_dir):
    """The profit is what the costs make of the confusion matrices that the report has."""
    shown = profit_with(client, ONE_VALUE, "?version=1")
    report = read_report(models_dir / "small" / "1", read_card(models_dir / "small" / "1"))
    at, curve = shown["at"], shown["curve"]
    assert (shown["customers"], shown["leavers"]) == (report.rows, report.positives)
    assert shown["empc"] == report.metrics["empc"].mean > 0
    for point in report.operating_points:
        expected = 0.3 * 190 * point.true_positives - point.true_positives - 11 * point.false_positives
        if point.threshold == report.threshold:
            # In the middle between two probabilities, it may lie inside a bin.
            assert at["card"]["profit"] == pytest.approx(expected, abs=60)
        else:
            nearest = curve["threshold"].index(pytest.approx(point.threshold))
            assert curve["profit"][nearest] == pytest.approx(expected, abs=1e-6)
    assert at["best"]["profit"] >= max(at[name]["profit"] for name in ("costs", "card", "half"))
    assert at["best"]["profit"] >= max(curve["profit"])
    assert at["costs"]["threshold"] == pytest.approx(11 / 67)
    for one in at.values():
        assert one["low"] <= one["profit"] <= one["high"]
        assert one["kept"] == pytest.approx(0.3 * one["called_leavers"])
    assert curve["profit"][-1] == curve["low"][-1] == curve["high"][-1] == 0
    assert {len(values) for values in curve.values()} == {101}


def test_value_of_a_feature(client):
    """Where the value differs by customer, the typical customer of the training rows stands for all."""
    shown = profit_with(client, BY_CHARGE)
    assert shown["value_is_typical"]
    signature = client.get("/api/v1/models/small").get_json()["signature"]
    (charges,) = [one for one in signature["features"] if one["name"] == "MonthlyCharges"]
    assert shown["value"] == pytest.approx(6 * charges["observed"]["median"])


def test_without(client, models_dir):
    """Without costs there is no profit, nor for a bundle of earlier versions; both say what to do."""
    answer = client.get(ROUTE)
    assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown-costs")
    assert "PUT /api/v1/models/{model}/costs" in answer.get_json()["detail"].replace("<", "{").replace(">", "}")
    card = read_card(models_dir / "small" / "1")
    older = msgspec.structs.replace(read_report(models_dir / "small" / "1", card), outcomes=None)
    for report in (None, older):
        with pytest.raises(NoProfit, match="train it again"):
            profit_document(card, report, CostsInForce(1, Costs(**ONE_VALUE)))


def test_measured_share(models_dir):
    """What control groups have shown replaces the guess, with its interval; an effect within chance does not."""
    card = read_card(models_dir / "small" / "1")
    report, costs = read_report(models_dir / "small" / "1", card), CostsInForce(1, Costs(**ONE_VALUE))
    guessed = profit_document(card, report, costs)
    assert (guessed["success"], guessed["success_is_measured"]) == (0.3, False)
    measured = profit_document(card, report, costs, call_effect(Group(3600, 900), Group(400, 200)))
    assert (measured["success"], measured["success_is_measured"]) == (0.5, True)
    assert measured["success_band"][0] < 0.5 < measured["success_band"][1]
    assert measured["at"]["card"]["profit"] > guessed["at"]["card"]["profit"]
    assert measured["at"]["costs"]["threshold"] == guessed["at"]["costs"]["threshold"]
    assert profit_document(card, report, costs, call_effect(Group(3600, 1790), Group(400, 200))) == guessed


def test_no_forecast(models_dir):
    """There is no forecast where outcomes show that probabilities are off by more than chance."""
    card = read_card(models_dir / "small" / "1")
    report, costs = read_report(models_dir / "small" / "1", card), CostsInForce(1, Costs(**ONE_VALUE))
    for calibration in (None, Estimate(0.01, -0.01, 0.03)):
        shown = profit_document(card, report, costs, calibration=calibration)
        assert shown["forecast_per_1000"] == pytest.approx(1000 * shown["at"]["costs"]["profit"] / report.rows)
    for off in (Estimate(0.05, 0.02, 0.08), Estimate(-0.05, -0.08, -0.02)):
        assert profit_document(card, report, costs, calibration=off)["forecast_per_1000"] is None


def test_live_calibration(database):
    """The calibration is that of the latest month with enough outcomes, of customers who were not called."""
    assert live_calibration(database, "small", "1") is None
    rng = np.random.default_rng(3)
    probabilities = rng.random(3000)
    counts = QualityCounts.of(probabilities, rng.random(3000) < probabilities**2, probabilities > 0.5)
    today = datetime.now(UTC)
    row = {"log": "one", "model": "small", "version": "1", "variant": "live", "contacted": False, "true_positives": 0}
    row |= {"false_positives": 0, "leavers": encode(counts.leavers), "loyal": encode(counts.loyal)}
    with database.transaction() as connection:
        connection.execute(insert(QUALITY_DAYS).values(row | {"day": today.date() - timedelta(days=40)}))
        connection.execute(insert(QUALITY_DAYS).values(row | {"day": today.date(), "contacted": True}))
    calibration = live_calibration(database, "small", "1")
    assert calibration.value == pytest.approx(-1 / 6, abs=0.03)
    assert is_off(calibration)
