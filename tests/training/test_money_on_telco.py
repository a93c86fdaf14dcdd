"""What thresholds and rankings are worth on the IBM Telco table, out of fold."""

from functools import partial
from typing import NamedTuple

import numpy as np
import pytest

from churn_api.scoring.costs import Costs
from churn_api.scoring.empc import empc, roc_hull
from churn_api.scoring.profit import OutcomeHistogram, profit, profit_curve
from churn_api.training.candidates import CANDIDATES
from churn_api.training.preparation import prepare
from churn_api.training.splits import splits
from churn_api.training.thresholds import largest_f1
from churn_api.training.train import DEFAULT_EVALUATION, DEFAULT_LEARNING
from churn_api.training.training_options import TrainingOptions
from churn_api.training.validation import cross_validate


class OutOfFold(NamedTuple):
    """Customers whose probability is of a pipeline that was not fitted on them."""

    probabilities: np.ndarray
    left: np.ndarray

    def gained(self, costs, threshold):
        """What calling everyone from a threshold on really gains, customer by customer."""
        gains = np.where(self.left == 1, costs.gain(1.0, costs.value), costs.gain(0.0, costs.value))
        return gains[self.probabilities >= threshold].sum()


@pytest.fixture(scope="module")
def out_of_fold(telco):
    data = prepare(telco, TrainingOptions(target="Churn", identifier="customerID"))
    folds = splits(data.labels, DEFAULT_EVALUATION, None, DEFAULT_LEARNING.seed)
    pipeline = partial(CANDIDATES["logistic"], data.signature, data.columns, DEFAULT_LEARNING)
    evaluation = cross_validate(pipeline, data.frame, data.labels, lambda _: None, splits=folds)
    return OutOfFold(evaluation.probabilities, data.labels)


@pytest.mark.parametrize(
    ("success", "value", "offer", "contact", "threshold", "gained"),
    [
        (0.3, 200, 10, 1, 0.164, (71_637, 66_560, 49_590)),
        (0.3, 600, 50, 5, 0.256, (165_010, 163_960, 130_230)),
        (0.2, 300, 60, 10, 0.648, (8_786, -24_374, 3_258)),
    ],
)
def test_thresholds(out_of_fold, success, value, offer, contact, threshold, gained):
    """The table of docs/money.md: the threshold of the costs gains what it says, more than F1's and than one half.

    The last digits follow the libraries' versions.
    """
    costs = Costs(offer=offer, contact=contact, value=value, success=success)
    own = costs.break_even(value)
    assert own == pytest.approx(threshold, abs=5e-4)
    f1 = largest_f1(out_of_fold.left, out_of_fold.probabilities).value
    really = [out_of_fold.gained(costs, at) for at in (own, f1, 0.5)]
    assert really == pytest.approx(gained, abs=0.02 * max(gained))
    assert really[0] > max(really[1:])
    histogram = OutcomeHistogram.of(out_of_fold.probabilities, out_of_fold.left)
    counted = [profit(costs, value, *histogram.called(at)) for at in (own, f1, 0.5)]
    assert counted == pytest.approx(really, abs=0.01 * max(gained))
    assert really[0] > 0.85 * profit_curve(costs, value, histogram).best[1]


def test_empc(out_of_fold):
    """EMPC is, to four decimals, what empulse 0.13.1 prints for the same probabilities: 10.3281."""
    hull = roc_hull(out_of_fold.probabilities, out_of_fold.left.astype(float))
    assert empc(hull, out_of_fold.left.mean()) == pytest.approx(10.3281, abs=0.01)


def test_forecast(out_of_fold):
    """Where probabilities are calibrated, the forecast of a call list is right; where they are not, it is far off."""
    costs = Costs(offer=10, contact=1, value=200, success=0.3)
    probabilities = out_of_fold.probabilities
    listed = probabilities >= costs.break_even(200)
    really = out_of_fold.gained(costs, costs.break_even(200))
    assert costs.gain(probabilities[listed], 200).sum() == pytest.approx(really, rel=0.05)
    spoiled = np.sqrt(probabilities)
    assert costs.gain(spoiled[listed], 200).sum() > 1.3 * really
