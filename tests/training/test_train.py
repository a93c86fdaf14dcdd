"""`churn-api train`, run as a user runs it."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import joblib
import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from builders import customers, feature, signature, write_csv
from click.testing import CliRunner
from sklearn.metrics import roc_auc_score
from table_files import WRITE, prepare

from churn_api.cli import main
from churn_api.contract.columns import Columns
from churn_api.contract.size_limits import Bounds
from churn_api.registry.bundle import read_card
from churn_api.registry.model import load_model
from churn_api.scoring.sklearn import to_frame
from churn_api.serving.table_scorer import TableScorer
from churn_api.tables.blocks import blocks
from churn_api.tables.formats import FORMATS, format_of_file
from churn_api.tables.layout import read_layout
from churn_api.tables.training_table import read_table, to_columns
from churn_api.training.preparation import prepare as prepare_training
from churn_api.training.training_options import TrainingOptions

COMMAND = str(Path(sys.executable).with_name("churn-api"))


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command with a models folder in `tmp_path`."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(tmp_path / "models"))
    return lambda *arguments: CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def models(tmp_path):
    return tmp_path / "models"


def train(run, table, *options):
    return run("train", table, "--target", "Churn", "--estimator", "logistic", *options)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """What the command printed, and its models folder, for the small table's customers."""
    folder = tmp_path_factory.mktemp("trained")
    table = write_csv(customers(), folder / "t.csv")
    arguments = ["train", table, "--target", "Churn", "--estimator", "logistic", "--id", "customerID"]
    result = CliRunner().invoke(main, [*map(str, arguments)], env={"CHURN_MODELS_DIR": str(folder / "models")})
    assert result.exit_code == 0, result.stderr
    return result, folder / "models"


def test_json(run, models, small_table):
    """`--json` prints one object with the documented keys on stdout, and progress on stderr."""
    result = run("train", small_table, "--target", "Churn", "--id", "customerID", "--name", "crm", "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert set(report) == {
        "model", "version", "rows", "base_rate", "chosen", "candidates", "caps", "threshold",
        "operating_point", "holdout", "warnings", "remarks",
    }  # fmt: skip
    assert (report["model"], report["version"], report["rows"]) == ("crm", "1", 300)
    assert set(report["candidates"]) == {"logistic", "boosting", "wide"}
    for metrics in report["candidates"].values():
        assert set(metrics) == {"roc_auc", "pr_auc", "brier", "log_loss", "ece", "empc"}
        assert all(set(spread) == {"mean", "std"} for spread in metrics.values())
    assert report["candidates"][report["chosen"]]["log_loss"]["mean"] == min(
        metrics["log_loss"]["mean"] for metrics in report["candidates"].values()
    )
    assert "fold 5 of 5" in result.stderr


def test_table_for_people(trained):
    """Without `--json`, stdout shows rows, base rate, candidates with standard deviations, threshold, and features."""
    result, _ = trained
    for words in ("default, version 1", "base rate", "ROC-AUC", "±", "precision", "Most important", "tenure"):
        assert words in result.stdout
    assert "fold 1 of 5" not in result.stdout


def test_card(run, models, small_table):
    """The card contains signature, metrics, policy, digests, parity on every row, and golden rows."""
    train(run, small_table, "--id", "customerID", "--open", "Region")
    card = read_card(models / "default" / "1")
    assert [(f.name, f.type, f.required) for f in card.signature.features] == [
        ("tenure", "integer", True),
        ("MonthlyCharges", "number", False),
        ("Partner", "boolean", True),
        ("Contract", "string", True),
        ("Region", "string", False),
    ]
    assert [f.name for f in card.signature.features if f.open] == ["Region"]
    assert card.signature.identifier == "customerID"
    assert card.policy.threshold == card.metrics["threshold"]["value"]
    assert card.training.rows == 300
    assert card.parity.proven
    assert card.parity.rows == 300 + len(card.golden.rows)
    assert set(card.files) == {"model.onnx", "model.joblib", "reasons.onnx", "explanation.json", "report.json"}
    assert card.libraries["scikit-learn"]


def test_golden_rows_are_no_customers(trained):
    """Golden rows have missing values and unseen categories; none is a customer's row, or has an identifier."""
    _, models = trained
    text = (models / "default" / "1" / "card.json").read_text()
    rows = read_card(models / "default" / "1").golden.rows
    assert any(None in row for row in rows)
    assert any("a category that no training table holds" in row for row in rows)
    assert "C00001" not in text
    columns = ["tenure", "MonthlyCharges", "Partner", "Contract", "Region"]
    real = set(map(tuple, customers()[columns].replace({"Yes": True, "No": False}).astype(object).to_numpy()))
    assert not real & set(rows[:16])


def test_equals_its_own_pipeline(trained, small_table):
    """The served model gives every row the same probability as its pipeline's predict_proba."""
    _, models = trained
    model = load_model(models / "default" / "1")
    columns = to_columns(read_table(small_table), model.card.signature)
    pipeline = joblib.load(models / "default" / "1" / "model.joblib")
    expected = pipeline.predict_proba(to_frame(columns, model.card.signature))[:, 1]
    assert np.abs(model.scorer.score(columns) - expected).max() <= 1e-6


def test_learns(trained, tmp_path):
    """The model ranks new customers of the same distribution far better than chance."""
    _, models = trained
    model = load_model(models / "default" / "1")
    others = customers(rows=500, seed=99)
    columns = to_columns(read_table(write_csv(others, tmp_path / "others.csv")), model.card.signature)
    assert roc_auc_score(others["Churn"] == "Yes", model.scorer.score(columns)) > 0.7


@pytest.mark.parametrize("estimator", ["logistic", "boosting", "wide"])
def test_missing_and_unseen(run, models, small_table, estimator):
    """Every candidate scores rows with all values missing, or with only unseen categories."""
    run("train", small_table, "--target", "Churn", "--id", "customerID", "--estimator", estimator)
    scorer = load_model(models / "default" / "1").scorer
    nothing = Columns(np.full((1, 3), np.nan), np.array([["", ""]], object))
    unseen = Columns(np.zeros((1, 3)), np.array([["x", "y"]], object))
    for columns in (nothing, unseen):
        assert 0 < scorer.score(columns)[0] < 1


def test_next_version(run, models, small_table):
    """Training again on the same table writes the same model as the next version, and does not change the first."""
    train(run, small_table, "--id", "customerID")
    before = (models / "default" / "1" / "card.json").read_bytes()
    train(run, small_table, "--id", "customerID")
    assert sorted(path.name for path in (models / "default").iterdir()) == ["1", "2"]
    assert (models / "default" / "1" / "card.json").read_bytes() == before
    one, two = (read_card(models / "default" / version) for version in "12")
    assert one.metrics == two.metrics
    assert one.golden == two.golden


def delimited(sign):
    return lambda table: table.to_csv(index=False, sep=sign).encode()


FILES = {f"customers{known.suffix}": WRITE[name] for name, known in FORMATS.items()} | {
    "semicolons.csv": delimited(";"),
    "tabs.tsv": delimited("\t"),
    "zipped.csv.gz": lambda table: gzip.compress(WRITE["csv"](table)),
    "zipped.jsonl.gz": lambda table: gzip.compress(WRITE["ndjson"](table)),
    "parquet without a suffix": WRITE["parquet"],
}


@pytest.fixture(scope="module")
def of_csv(tmp_path_factory):
    """What training makes of the CSV file."""
    return prepared(write_csv(customers(), tmp_path_factory.mktemp("csv") / "t.csv"))


def prepared(path):
    return prepare_training(path, TrainingOptions(target="Churn", identifier="customerID"))


@pytest.mark.parametrize("name", FILES)
def test_every_format(of_csv, tmp_path, name):
    """The same customers in any format, with any delimiter, gzipped or not, are exactly the same training data."""
    path = tmp_path / name
    path.write_bytes(FILES[name](customers()))
    data = prepared(path)
    # JSON and Arrow have booleans, so there is no label to keep.
    features = [msgspec.structs.replace(feature, labels=None) for feature in data.signature.features]
    assert features == [msgspec.structs.replace(feature, labels=None) for feature in of_csv.signature.features]
    pd.testing.assert_frame_equal(data.frame, of_csv.frame, check_exact=True)
    assert data.labels.tolist() == of_csv.labels.tolist()


@pytest.mark.parametrize("name", FILES)
def test_what_is_trained_on_is_scored(of_csv, trained, tmp_path, name):
    """A training file can be scored unchanged, and its rows get the same probabilities."""
    path, model = tmp_path / name, load_model(trained[1] / "default" / "1")
    path.write_bytes(FILES[name](customers()))
    kind = format_of_file(name, path.read_bytes())
    layout = read_layout(prepare(path, kind, tmp_path, Bounds(10_000_000)), kind)
    scorer = TableScorer(model, layout, (), None)
    scored = [scorer.score_table(block) for block in blocks(layout)]
    assert not any(part.result.faults for part in scored)
    assert (
        pa.concat_tables([part.table for part in scored])["churn_probability"].to_pylist()
        == model.score(of_csv.columns).tolist()
    )


def test_declared_signature(run, models, tmp_path, small_table):
    """A declared signature is used unchanged, and its ranges are enforced."""
    declared = signature(
        feature("tenure", minimum=0, maximum=100, required=True, nullable=False),
        feature("Contract", "string", choices=("Month-to-month", "One year", "Two year", "Five year")),
    )
    (tmp_path / "s.json").write_bytes(declared.to_json())
    assert train(run, small_table, "--signature", tmp_path / "s.json").exit_code == 0
    assert read_card(models / "default" / "1").signature == declared


def test_many_categories(run, models, tmp_path):
    """A column with more than fifty categories becomes free text, which a model still scores."""
    table = customers().assign(City=lambda frame: [f"city {n % 120}" for n in range(len(frame))])
    result = train(run, write_csv(table, tmp_path / "t.csv"), "--id", "customerID")
    assert result.exit_code == 0, result.stderr
    card = read_card(models / "default" / "1")
    assert [f.choices for f in card.signature.features if f.name == "City"] == [None]
    assert card.scorer == "onnx"


def refused(result, models):
    """The one-line error of a rejected command, which wrote nothing."""
    assert result.exit_code == 2
    assert result.stdout == ""
    assert not list(models.rglob("*.json"))
    *_, line = result.stderr.splitlines()
    assert line.startswith("Error: ")
    return line


@pytest.mark.parametrize(
    ("change", "options", "complaint"),
    [
        (lambda t: t.rename(columns={"Churn": "churned"}), (), "no column 'Churn'. Did you mean 'churned'?"),
        (lambda t: t.assign(Churn="No"), (), "one class only"),
        (lambda t: t.head(49), (), "has 49 rows with a target; training needs at least 50"),
        (lambda t: t.assign(Churn=["Yes"] * 9 + ["No"] * 291), (), "only 9 rows are 'Yes'"),
        (lambda t: t.assign(Churn=["a", "b", "c"] * 100), (), "3 different values"),
        (lambda t: t.assign(Churn=None), (), "blank in every row"),
        (lambda t: t, ("--positive", "maybe"), "never 'maybe'"),
        (lambda t: t, ("--exclude", "Contrakt"), "no column 'Contrakt'. Did you mean 'Contract'?"),
        (lambda t: t, ("--open", "tenure"), "cannot be opened"),
        (lambda t: t, ("--id", "id"), "no column 'id'"),
        (lambda t: t, ("--name", "../x"), "a model's name has"),
        (lambda t: t.rename(columns={"tenure": "risk_band"}), (), "reserved"),
    ],
)
def test_refusals(run, models, tmp_path, change, options, complaint):
    """A table that cannot be used for training is rejected with one line and exit code 2; nothing is written."""
    assert complaint in refused(train(run, write_csv(change(customers()), tmp_path / "t.csv"), *options), models)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda lines: [*lines[:100], lines[0], *lines[100:]], "row 101: the header stands again"),
        (lambda lines: [*lines[:100], "1,2,3", *lines[100:]], "row 101 has 3 cells where the header has 7"),
        (lambda lines: ['{"not": "a table"}'], "no rows"),
        (lambda lines: ["\x00\x01\x02"], "is no text"),
        (lambda lines: [], "is empty"),
    ],
)
def test_files_that_are_no_table(run, models, tmp_path, spoil, complaint):
    """A file that is not a table is rejected with one line, which has the row where there is one."""
    path = tmp_path / "t.csv"
    lines = customers().to_csv(index=False).splitlines()
    path.write_text("\n".join(spoil(lines)))
    assert complaint in refused(train(run, path), models)


def test_declared_signature_refusals(run, models, tmp_path, small_table):
    """An invalid signature, or one that does not match the table, is rejected with the path of the error."""
    path = tmp_path / "s.json"
    path.write_text('{"features": [{"name": "tenure", "type": "float"}]}')
    assert "Invalid enum value 'float'" in refused(train(run, small_table, "--signature", path), models)
    path.write_bytes(signature(feature("tenure", minimum=5)).to_json())
    assert "column 'tenure': Must be at least 5." in refused(train(run, small_table, "--signature", path), models)
    path.write_bytes(signature(feature("Partner")).to_json())
    assert "row 2, column 'Partner': Must be an integer." in refused(
        train(run, small_table, "--signature", path), models
    )
    assert "--signature cannot be combined with --id" in refused(
        train(run, small_table, "--signature", path, "--id", "customerID"), models
    )
    assert "cannot be read" in refused(train(run, small_table, "--signature", tmp_path / "no"), models)


@pytest.mark.parametrize(
    ("change", "options", "warning", "left_out"),
    [
        (lambda t: t.assign(Country="IT"), (), "'Country' is the same in every row: left out", "Country"),
        (lambda t: t.assign(Note=None), (), "'Note' is the same in every row: left out", "Note"),
        (
            lambda t: t,
            (),
            "'customerID' looks like an identifier: it is named like one, and most of its values are different: left",
            "customerID",
        ),
        (lambda t: t.assign(Row=range(len(t))), (), "'Row' looks like an identifier: it rises with the row", "Row"),
        (
            lambda t: t.assign(Reason=np.where(t.Churn == "Yes", "moved", None)),
            ("--accept-leakage", "Reason"),
            "'Reason' almost determines the target: kept, since its leakage is accepted (--exclude 'Reason')",
            None,
        ),
        (lambda t: pd.concat([t, t.head(7)]), ("--id", "customerID"), "the table repeats 7 rows: kept", None),
        (lambda t: t.assign(Churn=t.Churn.mask(t.index < 5)), (), "5 rows with no 'Churn': dropped", None),
        (
            lambda t: t.assign(Fee=["x" if n == 3 else f"{n / 7:.2f}" for n in range(len(t))]),
            (),
            "'Fee' is read as text, though most of its cells are numbers",
            None,
        ),
    ],
)
def test_warnings(run, tmp_path, change, options, warning, left_out):
    """Suspicious columns and rows cause warnings, and columns that cannot be features are left out."""
    result = run("signature", write_csv(change(customers()), tmp_path / "t.csv"), "--target", "Churn", *options)
    assert [text for text in result.stderr.splitlines() if warning in text]
    assert left_out not in [feature["name"] for feature in json.loads(result.stdout)["features"]]


def test_warnings_of_a_training(run, tmp_path):
    """What training prints and writes into the card has the same warnings as `churn-api signature`."""
    table = write_csv(customers().assign(Country="IT"), tmp_path / "t.csv")
    report = json.loads(train(run, table, "--json").stdout)
    shown = run("signature", table, "--target", "Churn").stderr.splitlines()
    assert report["warnings"] == shown
    assert len(shown) == 2


def test_clean_table_has_no_warnings(run, small_table):
    """A table without suspicious columns or rows gets no warning."""
    assert json.loads(train(run, small_table, "--id", "customerID", "--json").stdout)["warnings"] == []


def test_disk_full(run, models, small_table, monkeypatch):
    """A bundle that cannot be written causes a one-line error and exit code 2."""
    models.mkdir()
    (models / "default").write_text("a file where the folder should be")
    assert "the bundle cannot be written" in refused(train(run, small_table, "--id", "customerID"), models)


def test_help_shows_examples(run):
    """Every command's help ends in examples."""
    for command in ("train", "package", "sample-data"):
        result = run(command, "--help")
        assert result.exit_code == 0
        assert f"churn-api {command} " in result.stdout.split("Examples:")[1]


@pytest.mark.parametrize("command", ["train", "score"])
def test_help_names_the_formats(run, command):
    """Help lists all formats of the registry."""
    shown = " ".join(run(command, "--help").stdout.split())
    assert f"{', '.join(known.title for known in [*FORMATS.values()][:-1])} or {[*FORMATS.values()][-1].title}" in shown


def test_installed_command(small_table, tmp_path):
    """The installed command trains from any folder, and prints nothing but the result on stdout."""
    arguments = ["train", str(small_table), "--target", "Churn", "--id", "customerID", "--json", "--name", "crm"]
    arguments += ["--estimator", "logistic"]
    environment = os.environ | {"CHURN_MODELS_DIR": "models"}
    done = subprocess.run(
        [COMMAND, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["model"] == "crm"
    assert (tmp_path / "models" / "crm" / "1" / "card.json").exists()
    assert "POST to /api/v1/predict/crm" in done.stderr


@pytest.mark.parametrize("command", [["train", "a.csv", "--target", "b"], ["sample-data"]])
def test_without_its_libraries(command):
    """Where the extra is not installed, the command explains how to install it."""
    code = "import sys; sys.modules['skl2onnx'] = None; from churn_api.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'churn-api[train]'" in done.stderr


def test_ranges(run, models, small_table):
    """`--range` declares which numbers are valid, and every row must have such."""
    assert train(run, small_table, "--range", "tenure=0:100", "--range", "MonthlyCharges=:500").exit_code == 0
    features = {feature.name: feature for feature in read_card(models / "default" / "1").signature.features}
    assert (features["tenure"].minimum, features["tenure"].maximum) == (0, 100)
    assert (features["MonthlyCharges"].minimum, features["MonthlyCharges"].maximum) == (None, 500)


@pytest.mark.parametrize(
    ("declared", "complaint"),
    [
        ("tenure=5:", "column 'tenure': Must be at least 5."),
        ("tenure", "COL=MIN:MAX"),
        ("tenure=:", "COL=MIN:MAX"),
        ("tenure=a:b", "--range"),
        ("tenure=nan:", "a finite number"),
        ("Partner=0:", "no number of that name"),
        ("tenure=9:1", "minimum is above maximum"),
    ],
)
def test_ranges_refused(run, models, small_table, declared, complaint):
    """A range that is none, that no number has, or that a row breaks, is refused in one line."""
    assert complaint in refused(train(run, small_table, "--range", declared), models)


def test_categories_that_differ_by_spaces(run, models, tmp_path):
    """Categories that differ by the spaces around them are one, and a remark says so."""
    table = customers()
    table["Region"] = [f"{region} " if row % 3 else region for row, region in enumerate(table["Region"].fillna("East"))]
    report = json.loads(train(run, write_csv(table, tmp_path / "t.csv"), "--json").stdout)
    assert [remark["seen"] for remark in report["remarks"] if remark["column"] == "Region"] == [
        "has texts that differ by the spaces around them"
    ]
    features = {feature.name: feature for feature in read_card(models / "default" / "1").signature.features}
    assert features["Region"].choices == ("East", "North", "South")
