import numpy as np
import pytest

from churn_api.scoring.output import Policy, policy_around


def test_bounds_belong_to_the_side_above():
    """A probability at the threshold is churn, and one at a band's bound is in the higher band."""
    policy = Policy(threshold=0.4, medium_from=0.2, high_from=0.7)
    probabilities = np.array([0.0, 0.2, 0.39, 0.4, 0.7, 1.0])
    assert policy.predictions(probabilities) == [0, 0, 0, 1, 1, 1]
    assert policy.bands(probabilities) == ["low", "medium", "medium", "medium", "high", "high"]


def test_threshold_of_the_request():
    """A threshold sent with a request moves the predictions and not the bands."""
    policy = policy_around(0.4)
    probabilities = np.array([0.3, 0.9])
    assert policy.predictions(probabilities, 0.3) == [1, 1]
    assert policy.predictions(probabilities, 0.95) == [0, 0]
    assert policy.bands(probabilities) == ["medium", "high"]


@pytest.mark.parametrize("threshold", [0.0, 0.3, 1.0])
def test_policy_around_any_threshold(threshold):
    """Every threshold has bands around it."""
    policy = policy_around(threshold)
    assert 0 <= policy.medium_from <= threshold <= policy.high_from <= 1


def test_policy_that_is_none():
    """Bounds out of order or outside 0 to 1 are refused."""
    with pytest.raises(ValueError, match="probabilities"):
        Policy(threshold=0.5, medium_from=0.7, high_from=0.2)
    with pytest.raises(ValueError, match="probabilities"):
        Policy(threshold=1.5, medium_from=0.2, high_from=0.7)
