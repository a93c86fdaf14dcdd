import numpy as np
import pytest
from builders import customers, write_csv

from churn_api.training.calibration import METHOD, choose_calibrator, with_calibrator
from churn_api.training.candidates import CANDIDATES, Learning
from churn_api.training.compilation import compile_pipeline, verify_parity
from churn_api.training.evaluation_metrics import expected_calibration_error
from churn_api.training.preparation import prepare
from churn_api.training.thresholds import largest_f1
from churn_api.training.training_options import TrainingOptions
from churn_api.training.validation import Evaluation, fit


def evaluation(labels, probabilities):
    rows = np.array_split(np.arange(len(labels)), 5)
    return Evaluation([], probabilities, rows, None).with_probabilities(labels, probabilities)


@pytest.fixture
def truth():
    """Labels drawn from known probabilities."""
    rng = np.random.default_rng(0)
    probabilities = rng.beta(1, 3, 5000)
    return (rng.random(5000) < probabilities).astype(int), probabilities


def test_nothing_is_added_to_reliable_probabilities(truth):
    """Well-calibrated probabilities get no calibrator."""
    labels, probabilities = truth
    method, chosen = choose_calibrator(labels, evaluation(labels, probabilities))
    assert method is None
    assert chosen.probabilities is probabilities


@pytest.mark.parametrize("distort", [lambda p: p**3, np.sqrt, lambda p: 0.5 + (p - 0.5) * 0.2])
def test_unreliable_probabilities_are_mended(truth, distort):
    """Badly calibrated probabilities get a calibrator, and are far more reliable with it."""
    labels, probabilities = truth
    plain = evaluation(labels, distort(probabilities))
    method, chosen = choose_calibrator(labels, plain)
    assert method == METHOD
    assert chosen.summary()["log_loss"]["mean"] < plain.summary()["log_loss"]["mean"]
    assert chosen.summary()["ece"]["mean"] < plain.summary()["ece"]["mean"] / 2
    assert chosen.summary()["roc_auc"]["mean"] == pytest.approx(plain.summary()["roc_auc"]["mean"], abs=0.01)


def test_calibration_error(truth):
    """The calibration error of reliable probabilities is near 0; of a constant it is its distance from the rate."""
    labels, probabilities = truth
    assert expected_calibration_error(labels, probabilities) < 0.02
    constant = np.full(len(labels), 0.9)
    alternating = np.arange(len(labels)) % 2
    assert expected_calibration_error(alternating, constant) == pytest.approx(0.4)


def test_threshold_is_the_best_one(truth):
    """No threshold has a larger F1 than the chosen one, which comes with its precision and recall."""
    labels, probabilities = truth
    threshold, precision, recall, *_ = largest_f1(labels, probabilities)

    def f1(at):
        hit = ((probabilities >= at) & (labels == 1)).sum()
        return 2 * hit / ((probabilities >= at).sum() + labels.sum())

    assert 2 * precision * recall / (precision + recall) == pytest.approx(f1(threshold))
    assert f1(threshold) >= max(f1(at) for at in np.linspace(0, 1, 101))


@pytest.mark.parametrize("candidate", CANDIDATES)
def test_calibrated_pipelines_compile(tmp_path, candidate):
    """Each candidate with a calibrator compiles, and the compiled model equals it."""
    prepared = prepare(
        write_csv(customers(), tmp_path / "t.csv"), TrainingOptions(target="Churn", identifier="customerID")
    )
    signature, columns, frame, labels, *_ = prepared
    pipeline = fit(with_calibrator(CANDIDATES[candidate](signature, columns, Learning())), frame, labels)
    parity = verify_parity(compile_pipeline(pipeline, signature), columns, pipeline.predict_proba(frame)[:, 1])
    assert parity.proven, parity
