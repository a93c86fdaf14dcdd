"""`train --holdout`: the model learns from one table, and is evaluated on another."""

import json

import pytest
from builders import customers, write_csv
from click.testing import CliRunner
from sklearn.metrics import roc_auc_score

from churn_api.cli import main
from churn_api.registry.bundle import read_card
from churn_api.registry.evaluation_report import read_report
from churn_api.registry.headline_metrics import headline_metrics
from churn_api.registry.model import load_model
from churn_api.tables.training_table import read_table, to_columns

JUNE = customers(200, seed=7)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """`may.csv` to learn from, and `june.csv` of other customers, five of whom are in both."""
    folder = tmp_path_factory.mktemp("holdout")
    may = customers()
    write_csv(may, folder / "may.csv")
    june = JUNE.copy()
    june.iloc[:5] = may.iloc[:5]
    write_csv(june, folder / "june.csv")
    return folder


@pytest.fixture(scope="module")
def run(home):
    def invoke(*arguments):
        environment = {"CHURN_MODELS_DIR": str(home / "models")}
        return CliRunner().invoke(main, [str(argument) for argument in arguments], env=environment)

    return invoke


def train(run, home, holdout, *options):
    fixed = ["--target", "Churn", "--id", "customerID", "--estimator", "logistic", "--holdout", holdout]
    return run("train", home / "may.csv", *fixed, *options)


@pytest.fixture(scope="module")
def trained(run, home):
    """Two versions: without a holdout, and with one."""
    run("train", home / "may.csv", "--target", "Churn", "--id", "customerID", "--estimator", "logistic")
    done = train(run, home, home / "june.csv", "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_same_model(trained, home):
    """The holdout changes neither model nor threshold."""
    one, two = (read_card(home / "models" / "default" / version) for version in "12")
    assert (one.golden, one.policy) == (two.golden, two.policy)


def test_metrics_of_the_holdout(trained, home):
    """Card, `--json` and headline metrics are those of the packaged model on the holdout's rows."""
    model = load_model(home / "models" / "default" / "2")
    table = read_table(home / "june.csv")
    scores = model.score(to_columns(table, model.card.signature))
    expected = roc_auc_score([cell == "Yes" for cell in table["Churn"].to_pylist()], scores)
    assert trained["holdout"]["metrics"]["roc_auc"] == pytest.approx(expected)
    assert headline_metrics(model.card)["roc_auc"] == pytest.approx(expected)
    assert trained["holdout"]["rows"] == 200


def test_known_rows(trained):
    """Rows that the model learned from are counted, in a remark and in the card."""
    assert trained["holdout"]["known_rows"] == 5
    assert any("in the holdout 5 rows equal a row of the training table" in one for one in trained["warnings"])


def test_report(trained, run, home):
    """The report is of the holdout's rows, and says so."""
    card = read_card(home / "models" / "default" / "2")
    report = read_report(home / "models" / "default" / "2", card)
    assert (report.basis, report.rows, report.metrics["roc_auc"].std) == ("holdout", 200, None)
    page = run("report", "default", "2").stdout
    assert "a table that the model did not learn from" in page
    assert "threshold were chosen by cross-validation on the training table" in page


def test_compared(trained, run, home):
    """`models compare` takes the holdout's metrics, and warns where a version was measured on other rows."""
    done = run("models", "compare", "default", "1", "2", "--json")
    assert json.loads(done.stdout)["metrics"]["roc_auc"]["second"] == trained["holdout"]["metrics"]["roc_auc"]
    assert "measured on different rows" in done.stderr
    write_csv(customers(250), home / "may.csv")
    train(run, home, home / "june.csv")
    write_csv(customers(), home / "may.csv")
    done = run("models", "compare", "default", "2", "3")
    assert (done.exit_code, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda table: table.drop(columns=["tenure", "Churn"]), "--holdout: the table lacks 'tenure', 'Churn'"),
        (lambda table: table.replace({"Region": {"North": "Nort"}}), "--holdout: row "),
        (lambda table: table.assign(Churn="No"), "--holdout: target 'Churn' has one class only"),
        (lambda table: table.assign(Churn="maybe"), "--holdout: row 2: target 'Churn' is neither 'Yes' nor 'No'"),
        (lambda table: table.head(20), "--holdout: the table has 20 rows with a target; evaluation needs at least 50"),
    ],
)
def test_faults(run, home, tmp_path, change, complaint):
    """A holdout that lacks a column, or that training would refuse, is refused before anything is fitted."""
    done = train(run, home, write_csv(change(JUNE), tmp_path / "holdout.csv"))
    assert (done.exit_code, complaint in done.stderr.splitlines()[-1]) == (2, True), done.stderr
    assert "fold" not in done.stderr


def test_no_file(run, home):
    """A holdout that does not exist is refused in one line."""
    done = train(run, home, home / "july.csv")
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (
        2,
        "Error: --holdout: july.csv cannot be read: No such file or directory",
    )


def test_weighted(run, home, tmp_path):
    """The holdout's rows count by their weights; without the column it is refused."""
    may = write_csv(customers().assign(w=2.5), tmp_path / "may.csv")
    fixed = ("train", may, "--target", "Churn", "--id", "customerID", "--estimator", "logistic", "--sample-weight", "w")
    lacking = run(*fixed, "--holdout", home / "june.csv")
    assert "--holdout: the table lacks 'w'" in lacking.stderr
    heavy = JUNE.assign(w=(JUNE["Contract"] == "Month-to-month") + 0.0)
    done = run(*fixed, "--holdout", write_csv(heavy, tmp_path / "june.csv"), "--json")
    assert json.loads(done.stdout)["holdout"]["rows"] == (JUNE["Contract"] == "Month-to-month").sum()
