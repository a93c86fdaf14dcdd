import numpy as np
import pytest

from churn_api.scoring.output import COLUMNS, Policy, output, policy_around


def answered(policy, probabilities, threshold=None):
    """Every column of a prediction, as JSON values."""
    computed = output(probabilities, policy.threshold if threshold is None else threshold, policy)
    return {column.name: column.values(computed[column.name]) for column in COLUMNS}


def test_bounds_belong_to_the_side_above():
    """A probability at the threshold is churn, and one at a band's bound is in the higher band."""
    policy = Policy(threshold=0.4, medium_from=0.2, high_from=0.7)
    probabilities = np.array([0.0, 0.2, 0.39, 0.4, 0.7, 1.0])
    assert answered(policy, probabilities) == {
        "churn_prediction": [0, 0, 0, 1, 1, 1],
        "churn_probability": [0.0, 0.2, 0.39, 0.4, 0.7, 1.0],
        "risk_band": ["low", "medium", "medium", "medium", "high", "high"],
    }


def test_threshold_of_the_request():
    """A threshold sent with a request changes the predictions and not the bands."""
    policy = policy_around(0.4)
    probabilities = np.array([0.3, 0.9])
    assert answered(policy, probabilities, 0.3)["churn_prediction"] == [1, 1]
    assert answered(policy, probabilities, 0.95)["churn_prediction"] == [0, 0]
    assert answered(policy, probabilities, 0.95)["risk_band"] == ["medium", "high"]


@pytest.mark.parametrize("threshold", [0.0, 0.3, 1.0])
def test_policy_around_any_threshold(threshold):
    """Every threshold gives valid bands."""
    policy = policy_around(threshold)
    assert 0 <= policy.medium_from <= threshold <= policy.high_from <= 1


def test_policy_that_is_none():
    """Bounds out of order, or outside 0 to 1, are rejected."""
    with pytest.raises(ValueError, match="probabilities"):
        Policy(threshold=0.5, medium_from=0.7, high_from=0.2)
    with pytest.raises(ValueError, match="probabilities"):
        Policy(threshold=1.5, medium_from=0.2, high_from=0.7)
