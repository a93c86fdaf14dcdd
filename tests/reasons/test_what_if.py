import numpy as np
import pytest
from builders import feature, signature

from churn_api.contract.columns import ColumnsBuilder
from churn_api.contract.feature_attributes import Observed
from churn_api.contract.presentation import Actionable
from churn_api.reasons.what_if import WhatIf

PLANS = {"Monthly": 0.3, "Yearly": 0.0, "Gold": 0.6}
SIGNATURE = signature(
    feature("plan", "string", choices=tuple(PLANS), actionable=Actionable(values=tuple(PLANS))),
    feature("fee", "number", minimum=50, actionable=Actionable(factors=(0.9, 0.5, 0.1))),
    feature("calls", "integer", actionable=Actionable(factors=(0.5,))),
    feature("auto", "boolean", labels=("Yes", "No"), actionable=Actionable(values=(True, "Yes"))),
    feature("since", "date", reference="2026-01-31"),
)


def score(columns):
    """A probability that falls with a cheaper plan, a lower fee, and automatic payment."""
    fee, _, auto, since = columns.numbers.T
    plan = np.array([PLANS[text] for text in columns.texts[:, 0]])
    return 0.1 + plan + 0.002 * np.nan_to_num(fee) - 0.03 * np.nan_to_num(auto) + 0 * np.nan_to_num(since)


def lowering(*values, count=20, of=SIGNATURE):
    columns = ColumnsBuilder(of).build_one(values)
    found = WhatIf(of).lowering(columns, float(score(columns)[0]), score, count)
    names = [one.name for one in of.features]
    return [({names[change.feature]: change.value for change in one.changes}, one.probability) for one in found]


def test_single_and_double_changes():
    """Each change that lowers the probability by 0.02 is there with the model's answer, the lowest first."""
    found = lowering("Monthly", 100.0, 3, "No", "2026-01-01T12:00:00Z")
    assert [changes for changes, _ in found] == [
        {"plan": "Yearly", "fee": 50.0},
        {"plan": "Yearly", "auto": "Yes"},
        {"plan": "Yearly", "fee": 90.0},
        {"plan": "Yearly"},
        {"fee": 50.0, "auto": "Yes"},
        {"fee": 50.0},
        {"fee": 90.0, "auto": "Yes"},
        {"auto": "Yes"},
        {"fee": 90.0},
    ]
    assert [probability for _, probability in found] == sorted(probability for _, probability in found)
    assert found[0][1] == pytest.approx(0.1 + 0.1)


def test_count():
    """At most as many are returned as asked for."""
    assert len(lowering("Monthly", 100.0, 3, "No", None, count=2)) == 2


def test_nothing_that_is_refused_or_changes_nothing():
    """No change goes below a minimum, starts from a missing number, or sets what already is."""
    found = lowering("Yearly", 60.0, None, True, None)
    assert found == []
    found = lowering("Monthly", None, None, None, None)
    assert all(set(changes) <= {"plan", "auto"} for changes, _ in found)


def test_outside_that_is_refused():
    """A value outside the range that training saw is not tried where the feature refuses such values."""
    seen = Observed(minimum=80, maximum=120)
    narrow = signature(
        feature("plan", "string", choices=tuple(PLANS)),
        feature(
            "fee", "number", outside="refuse", observed=seen, actionable=Actionable(values=(10.0,), factors=(0.5,))
        ),
        *SIGNATURE.features[2:],
    )
    assert all("fee" not in changes for changes, _ in lowering("Monthly", 100.0, 3, "No", None, of=narrow))


def test_nothing_is_actionable():
    """A signature without actionable features has nothing to change."""
    assert (
        lowering(
            "Monthly",
            100.0,
            1,
            "No",
            None,
            of=signature(
                *(
                    feature(one.name, one.type, choices=one.choices, labels=one.labels, reference=one.reference)
                    for one in SIGNATURE.features
                )
            ),
        )
        == []
    )
