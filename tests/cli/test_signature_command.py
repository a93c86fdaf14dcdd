"""`churn-api signature`, and tables made from a signature."""

import json
import tempfile
from dataclasses import fields
from pathlib import Path

import pytest
from builders import customers, feature, signature, write_csv
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_api.cli import main, signature_command
from churn_api.cli.train_command import train
from churn_api.contract.feature_attributes import Observed
from churn_api.contract.notation import Notation
from churn_api.contract.signature import Signature
from churn_api.registry.bundle import read_card
from churn_api.tables.notation_inference import NotationOptions
from churn_api.tables.read_options import ReadOptions
from churn_api.tables.training_table import read_table, to_columns
from churn_api.training.signature_sample import sample_of_signature
from churn_api.training.training_options import TrainingOptions


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("CHURN_MODELS_DIR", str(tmp_path / "models"))
    return lambda *arguments: CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_is_what_training_infers(run, tmp_path, small_table):
    """The printed signature is the one that `train` with the same options writes into the card."""
    options = ("--target", "Churn", "--id", "customerID", "--open", "Region", "--exclude", "Partner")
    printed = run("signature", small_table, *options)
    assert printed.exit_code == 0, printed.stderr
    run("train", small_table, *options, "--estimator", "logistic")
    assert Signature.from_json(printed.stdout) == read_card(tmp_path / "models" / "default" / "1").signature


def test_can_be_handed_back(run, tmp_path, small_table):
    """The printed signature, edited, is what `train --signature` takes."""
    declared = json.loads(run("signature", small_table, "--target", "Churn", "--id", "customerID").stdout)
    declared["features"][0]["maximum"] = 100
    (tmp_path / "s.json").write_text(json.dumps(declared))
    done = run("train", small_table, "--target", "Churn", "--signature", tmp_path / "s.json", "--estimator", "logistic")
    assert done.exit_code == 0, done.stderr
    assert read_card(tmp_path / "models" / "default" / "1").signature.features[0].maximum == 100


def test_remarks(run, tmp_path):
    """What was assumed about the table is on stderr, and stdout has the signature alone."""
    table = customers().assign(always=1)
    done = run("signature", write_csv(table, tmp_path / "t.csv"), "--target", "Churn", "--id", "customerID")
    assert "column 'always'" in done.stderr
    assert "always" not in done.stdout


def test_refusals(run, small_table):
    """A table that cannot be trained on is refused in one line."""
    done = run("signature", small_table, "--target", "Chrn")
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "Did you mean 'Churn'?" in done.stderr


def test_same_options():
    """The command takes every option of `train` that says how to read a table."""
    options = {field.name for field in fields(TrainingOptions)} - {
        "signature",
        "notation",
        "file",
        "split_columns",
        "sample_weight",
    }
    parameters = {parameter.name for parameter in signature_command.signature.params}
    assert {*options, *NotationOptions._fields, *ReadOptions._fields, "table"} == parameters
    assert parameters <= {parameter.name for parameter in train.params}


RANGES = st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)).map(sorted)
OPTIONAL = st.booleans().map(lambda required: {"required": required, "nullable": not required})


@st.composite
def numbers(draw):
    """A number or an integer, with an observed or a declared range."""
    kind = draw(st.sampled_from(["integer", "number"]))
    low, high = draw(RANGES)
    if kind == "integer":
        low, high = round(low), round(high) + 1
    name = draw(st.sampled_from(["a", "b"]))
    notation = draw(st.sampled_from([None, Notation(decimal=","), Notation(missing=("na",))]))
    ranges = draw(
        st.sampled_from([{"minimum": low, "maximum": high}, {"observed": Observed(minimum=low, maximum=high)}])
    )
    return feature(name, kind, notation=notation, **ranges, **draw(OPTIONAL))


OTHERS = st.one_of(
    st.builds(lambda parts: feature("c", "boolean", **parts), OPTIONAL),
    st.builds(lambda parts: feature("d", "boolean", labels=("ja", "nein"), **parts), OPTIONAL),
    st.builds(lambda parts: feature("e", "string", choices=("x y", "é,", '"'), **parts), OPTIONAL),
    st.builds(lambda length: feature("f", "string", max_length=length), st.integers(1, 9)),
    st.builds(lambda parts: feature("g", "date", reference="2026-02-28", **parts), OPTIONAL),
    st.builds(lambda: feature("h", "date", reference="2026-02-28", notation=Notation(date_format="%d.%m.%Y"))),
    st.builds(lambda: feature("i", "integer", minimum=0)),
    st.builds(lambda: feature("j", "number", maximum=-5)),
)


@given(st.lists(st.one_of(numbers(), OTHERS), min_size=1, unique_by=lambda one: one.name), st.integers(0, 9))
@settings(deadline=None, max_examples=60)
def test_made_up_rows_are_valid(features, seed):
    """Every row of a table that is made from a signature is valid under it, and the same seed gives the same table."""
    declared = signature(*features)
    table = sample_of_signature(declared, 40, seed)
    assert table.equals(sample_of_signature(declared, 40, seed))
    with tempfile.TemporaryDirectory() as folder:
        columns = to_columns(read_table(write_csv(table, Path(folder) / "t.csv")), declared)
    assert columns.rows == 40
    assert set(table["Churn"]) <= {"Yes", "No"}


def test_sample_of_a_signature(run, tmp_path, small_table):
    """`sample-data --signature` prints a table that a model with that signature can be trained on."""
    (tmp_path / "s.json").write_text(run("signature", small_table, "--target", "Churn", "--id", "customerID").stdout)
    made = run("sample-data", "--signature", tmp_path / "s.json", "--rows", 300)
    (tmp_path / "made.csv").write_text(made.stdout)
    assert made.stdout.splitlines()[0] == "customerID,tenure,MonthlyCharges,Partner,Contract,Region,Churn"
    train = ("train", tmp_path / "made.csv", "--target", "Churn", "--estimator", "logistic")
    assert run(*train, "--signature", tmp_path / "s.json").exit_code == 0
