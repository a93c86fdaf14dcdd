"""`train --calls`: the threshold that flags a number of the table's rows."""

import numpy as np
import pytest
from builders import customers, write_csv
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_api.cli import main
from churn_api.registry.bundle import read_card
from churn_api.registry.evaluation_report import read_report
from churn_api.training.thresholds import flagging_share

LABELS = np.arange(40) % 2


@given(st.lists(st.floats(0, 1), min_size=40, max_size=40), st.integers(1, 40))
@settings(deadline=None)
def test_as_many_as_asked(probabilities, calls):
    """At most that many rows are flagged, and as many as rows with equal probabilities allow."""
    values = np.array(probabilities)
    chosen = flagging_share(calls / 40, LABELS, values)
    flagged = (values >= chosen.value).sum()
    assert flagged == round(chosen.flagged * 40)
    possible = [(values >= value).sum() for value in values]
    assert flagged == max([count for count in possible if count <= calls], default=min(possible))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A training that is to flag 60 of 400 rows, by month: half of these are evaluated."""
    home = tmp_path_factory.mktemp("calls")
    table = customers(400).assign(Month=[f"2026-{1 + row // 34:02d}" for row in range(400)])
    arguments = ["train", write_csv(table, home / "t.csv"), "--target", "Churn", "--id", "customerID"]
    arguments += ["--estimator", "logistic", "--calls", 60, "--time", "Month"]
    environment = {"CHURN_MODELS_DIR": str(home / "models")}
    done = CliRunner().invoke(main, [str(one) for one in arguments], env=environment)
    assert done.exit_code == 0, done.stderr
    return done.stdout, home / "models" / "default" / "1", home


def test_card_and_output(trained):
    """Card and output say how the threshold was chosen, what it flags, and precision and recall there."""
    stdout, folder, _ = trained
    chosen = read_card(folder).metrics["threshold"]
    assert (chosen["chosen_by"], chosen["calls"]) == ("calls", 60)
    assert 56 <= chosen["flagged"] * 400 <= 60
    assert f"{chosen['value']:.3f}, which flags" in stdout
    assert f"precision {chosen['precision']:.3f}, recall {chosen['recall']:.3f}" in stdout


def test_report(trained):
    """The report's own confusion matrix flags that share of the evaluated rows, and the page says how it was chosen."""
    _, folder, home = trained
    report = read_report(folder, read_card(folder))
    own = next(point for point in report.operating_points if point.threshold == report.threshold)
    assert (own.true_positives + own.false_positives) / report.rows == pytest.approx(0.15, abs=0.01)
    page = CliRunner().invoke(main, ["report", "default", "1"], env={"CHURN_MODELS_DIR": str(home / "models")}).stdout
    assert "the one that flags 60 of the rows of the training table" in page
    assert "each is evaluated on later rows than it learns from, by the column &#x27;Month&#x27;" in page


def test_more_calls_than_rows(small_table):
    """More calls than rows are refused before anything is fitted."""
    done = CliRunner().invoke(main, ["train", str(small_table), "--target", "Churn", "--calls", "301"])
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (
        2,
        "Error: --calls 301: the table has 300 rows to learn from",
    )
    assert "fold" not in done.stderr
