"""`churn-api package`: pipelines that were fitted outside this program."""

import json
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from builders import customers, feature, signature, write_csv
from click.testing import CliRunner
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from churn_api.cli import main
from churn_api.registry.bundle import read_card
from churn_api.registry.evaluation_report import read_report
from churn_api.registry.model import load_model
from churn_api.tables.training_table import read_table, to_columns
from churn_api.training.joblib_file import load_classifier
from churn_api.training.training_error import TrainingError

SIGNATURE = signature(
    feature("tenure", required=True, nullable=False),
    feature("MonthlyCharges", "number"),
    feature("Contract", "string", choices=("Month-to-month", "One year", "Two year"), required=True, nullable=False),
)
NUMBERS, CATEGORIES = ["tenure", "MonthlyCharges"], ["Contract"]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Save a classifier and its signature, and run the command on them."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(tmp_path / "models"))

    def run(classifier, *options, declared=SIGNATURE):
        joblib.dump(classifier, tmp_path / "model.joblib")
        (tmp_path / "signature.json").write_bytes(declared.to_json())
        arguments = ["package", tmp_path / "model.joblib", "--signature", tmp_path / "signature.json", *options]
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def bundle(tmp_path) -> Path:
    return tmp_path / "models" / "default" / "1"


@pytest.fixture
def golden(tmp_path) -> Path:
    return write_csv(customers(rows=200, seed=8), tmp_path / "golden.csv")


def fitted(*first, classifier=None):
    """A typical pipeline of a data scientist: pandas input, labels as text."""
    table = customers()
    columns = make_column_transformer(
        (SimpleImputer(), NUMBERS), (OneHotEncoder(handle_unknown="ignore"), CATEGORIES), sparse_threshold=0
    )
    last = LogisticRegression(max_iter=1000) if classifier is None else classifier
    pipeline = make_pipeline(*first, columns, last)
    return pipeline.fit(table[NUMBERS + CATEGORIES], table["Churn"])


def expected(pipeline, bundle, table):
    signature_ = read_card(bundle).signature
    frame = pd.read_csv(table)[[f.name for f in signature_.features]]
    return pipeline.predict_proba(frame)[:, 1], to_columns(read_table(table), signature_)


def test_compiled(package, bundle, golden):
    """A pipeline with text labels is compiled, verified on the golden table, and gives the same probabilities."""
    pipeline = fitted()
    result = package(pipeline, "--golden", golden)
    assert result.exit_code == 0, result.stderr
    model = load_model(bundle)
    assert model.card.scorer == "onnx"
    assert model.card.parity.rows == 200 + len(model.card.golden.rows)
    probabilities, columns = expected(pipeline, bundle, golden)
    assert np.abs(model.scorer.score(columns) - probabilities).max() <= 1e-6


def test_threshold_from_the_golden_table(package, bundle, golden):
    """Where the golden table has the target, metrics and threshold come from it; else the threshold is 0.5."""
    package(fitted(), "--golden", golden)
    card = read_card(bundle)
    assert card.metrics["golden_table"]["roc_auc"] > 0.6
    assert card.policy.threshold == card.metrics["threshold"]["value"]
    package(fitted())
    assert read_card(bundle.with_name("2")).policy.threshold == 0.5


def test_json(package, bundle, golden):
    """`--json` prints what was measured on the golden table, and how the model serves; without a table, no metrics."""
    printed = json.loads(package(fitted(), "--golden", golden, "--json").stdout)
    card = read_card(bundle)
    assert printed["metrics"] == card.metrics["golden_table"]
    assert (printed["version"], printed["scorer"], printed["threshold"]) == ("1", "onnx", card.policy.threshold)
    assert printed["parity"]["proven"] is True
    assert json.loads(package(fitted(), "--json").stdout)["metrics"] == {}


def test_report(package, bundle, golden):
    """With a golden table that holds the target, the bundle has a report of it; without one it has none."""
    package(fitted(), "--golden", golden)
    report = read_report(bundle, read_card(bundle))
    assert (report.basis, report.rows, report.metrics["ece"].std) == ("golden table", 200, None)
    package(fitted())
    assert read_report(bundle.with_name("2"), read_card(bundle.with_name("2"))) is None


def test_what_cannot_be_compiled_serves_from_scikit_learn(package, bundle, golden):
    """A step that ONNX cannot express is named in the card, and the bundle serves from scikit-learn."""
    pipeline = fitted(FunctionTransformer(_doubled_charges))
    result = package(pipeline, "--golden", golden)
    assert result.exit_code == 0, result.stderr
    assert "not compiled: it cannot be compiled" in result.stderr
    assert "docs/training.md lists the steps that compile" in result.stderr
    model = load_model(bundle)
    assert model.card.scorer == "sklearn"
    assert set(model.card.files) == {"model.joblib", "report.json"}
    probabilities, columns = expected(pipeline, bundle, golden)
    assert np.abs(model.scorer.score(columns) - probabilities).max() <= 1e-6


def _doubled_charges(frame):
    return frame.assign(MonthlyCharges=frame["MonthlyCharges"] * 2)


def test_unequal_compilation_is_not_served(package, bundle, golden, monkeypatch):
    """A compiled model that differs from its pipeline is discarded, and the card has the difference."""
    monkeypatch.setattr("churn_api.training.packaging.compile_pipeline", _compile_another(fitted))
    package(fitted(), "--golden", golden)
    card = read_card(bundle)
    assert card.scorer == "sklearn"
    assert not card.parity.proven
    assert card.parity.largest_difference > 1e-6
    assert "model.onnx" not in card.files


def _compile_another(fit):
    from churn_api.training.compilation import compile_pipeline

    return lambda classifier, declared: compile_pipeline(fit(classifier=LogisticRegression(C=1e-3)), declared)


def test_parallel_forest_is_tamed(package, bundle, golden):
    """A forest saved with n_jobs=-1 scores with one job after loading."""
    forest = RandomForestClassifier(n_estimators=5, n_jobs=-1, random_state=0)
    package(fitted(FunctionTransformer(_doubled_charges), classifier=forest), "--golden", golden)
    scorer = load_model(bundle).scorer
    assert scorer._classifier.named_steps["randomforestclassifier"].n_jobs == 1


def test_missing_values_are_part_of_the_promise(package):
    """A pipeline that fails on a missing value that the signature allows is rejected, with the field's name."""
    table = customers().dropna()
    columns = make_column_transformer(("passthrough", NUMBERS), sparse_threshold=0)
    pipeline = make_pipeline(columns, LogisticRegression(max_iter=1000)).fit(table[NUMBERS], table["Churn"])
    result = package(pipeline)
    assert result.exit_code == 2
    assert "cannot score a record that the signature allows (without 'MonthlyCharges')" in result.stderr


def test_wrong_signature(package):
    """A signature without a column that the pipeline needs is rejected with the pipeline's error."""
    result = package(fitted(), declared=signature(feature("tenure", nullable=False, required=True)))
    assert result.exit_code == 2
    assert "cannot score" in result.stderr


@pytest.mark.parametrize("thing", [{"a": 1}, LogisticRegression(), SimpleImputer()])
def test_no_classifier(package, thing):
    """A file without a fitted classifier is rejected."""
    result = package(thing)
    assert result.exit_code == 2
    assert "holds no fitted classifier" in result.stderr


def test_other_labels(package):
    """A classifier with other labels than the signature's is rejected with both."""
    table = customers()
    pipeline = fitted().fit(table[NUMBERS + CATEGORIES], np.where(table["Churn"] == "Yes", "b", "a"))
    result = package(pipeline)
    assert result.exit_code == 2
    assert "'a' and 'b': neither is 'Yes'" in result.stderr


def test_modules_that_are_not_here(tmp_path):
    """A pipeline of a module that is not installed is refused in one line that names the module."""
    (tmp_path / "signature.json").write_bytes(SIGNATURE.to_json())
    (tmp_path / "old.joblib").write_bytes(b"cmodule_of_old_times.ensemble\nForest\n.")
    arguments = ["package", str(tmp_path / "old.joblib"), "--signature", str(tmp_path / "signature.json")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("Error: old.joblib needs the module 'module_of_old_times'")


def test_functions_that_are_not_here(tmp_path):
    """A function of a notebook, or one that a module no longer has, is named where a pipeline needs it."""
    for pickled, remedy in (
        (
            b"\x80\x04\x8c\x08__main__\x8c\x08spending\x93.",
            "'spending' of the module '__main__', .*: define it in a module",
        ),
        (b"c__main__\nspending\n.", "'spending' of the module '__main__', .*: define it in a module of its own"),
        (
            b"csklearn.utils\nspending\n.",
            "'spending' of the module 'sklearn.utils', .*: install the version of sklearn",
        ),
    ):
        (tmp_path / "old.joblib").write_bytes(pickled)
        with pytest.raises(TrainingError, match=remedy):
            load_classifier(tmp_path / "old.joblib")


def saved_by(version, classifier, path, monkeypatch):
    """Save a classifier as another version of scikit-learn would."""
    with monkeypatch.context() as patched:
        patched.setattr("sklearn.base.__version__", version)
        joblib.dump(classifier, path)


def test_another_version(package, bundle, tmp_path, monkeypatch):
    """A pipeline of another version of scikit-learn is packaged with a remark, in the output and in the card."""
    package(fitted())
    saved_by("1.2.1", fitted(), tmp_path / "old.joblib", monkeypatch)
    arguments = ["package", str(tmp_path / "old.joblib"), "--signature", str(tmp_path / "signature.json")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.stderr
    assert "old.joblib was saved by scikit-learn 1.2.1, and " in result.stderr
    (remark,) = read_card(bundle.with_name("2")).training.remarks
    assert remark.text in result.stderr


def test_another_version_that_does_not_fit(package, tmp_path, monkeypatch):
    """Where such a pipeline cannot score, or lacks what this version needs, the error names both versions."""
    package(fitted())
    forest = fitted(classifier=RandomForestClassifier(n_estimators=2, random_state=0))
    del forest.named_steps["randomforestclassifier"].monotonic_cst
    imputer = fitted()
    del imputer.named_steps["columntransformer"].transformers_[0][1].statistics_
    for number, classifier in enumerate((forest, imputer)):
        path = tmp_path / f"{number}.joblib"
        saved_by("1.2.1", classifier, path, monkeypatch)
        arguments = ["package", str(path), "--signature", str(tmp_path / "signature.json")]
        result = CliRunner().invoke(main, arguments)
        assert (result.exit_code, "Traceback" in result.output) == (2, False), result.output
        assert f"{number}.joblib was saved by scikit-learn 1.2.1, and " in result.stderr.splitlines()[-1]


def test_no_joblib(package, tmp_path):
    """A missing file, or a file that is not joblib, is rejected."""
    (tmp_path / "signature.json").write_bytes(SIGNATURE.to_json())
    for path, complaint in (
        (tmp_path / "nowhere.joblib", "nowhere.joblib cannot be read: No such file"),
        (tmp_path / "signature.json", "cannot be loaded as a joblib file"),
    ):
        result = CliRunner().invoke(main, ["package", str(path), "--signature", str(tmp_path / "signature.json")])
        assert result.exit_code == 2
        assert complaint in result.stderr


def test_golden_table_that_does_not_fit(package, tmp_path):
    """A golden table without the features is rejected with their names."""
    result = package(fitted(), "--golden", write_csv(customers()[["tenure", "Churn"]], tmp_path / "g.csv"))
    assert result.exit_code == 2
    assert "lacks 'MonthlyCharges', 'Contract'" in result.stderr
