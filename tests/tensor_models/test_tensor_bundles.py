"""Bundles of tensor models: verified when they are loaded, tried before they are registered, made live like all."""

import io
import json
import threading
import zipfile

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from conftest import make_all_live
from tensor_graphs import IRISES, iris_graph, loop_graph, package, shape_graph

from churn_api.access.caller import SCOPES
from churn_api.app import create_app
from churn_api.cli import main
from churn_api.registry.bundle import BundleError
from churn_api.registry.golden_tensors import golden_inputs
from churn_api.registry.model import load_any_model, load_model
from churn_api.registry.tensor_model import VALUES_AT_ONCE
from churn_api.registry.verification import Unrunnable, verify
from churn_api.scoring.run_errors import RunFailed, RunTooLong
from churn_api.scoring.run_limit import scoring_limit
from churn_api.store.database import Database
from churn_api.web.core.in_process_api import close


@pytest.fixture
def iris(tmp_path):
    """The folder of a bundle with the iris classifier."""
    package(tmp_path / "models", iris_graph(), "iris", IRISES)
    return tmp_path / "models" / "iris" / "1"


def change(folder, **members):
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | members))


def test_another_graph(iris):
    """A graph that is not the one that was packaged is refused by its digest."""
    (iris / "model.onnx").write_bytes(shape_graph())
    with pytest.raises(BundleError, match="is not the file that was packaged"):
        load_any_model(iris)


def test_golden_tensors(iris):
    """A card whose golden tensors the graph does not compute is refused."""
    golden = json.loads((iris / "card.json").read_text())["golden"]
    golden["outputs"]["output_probability"][0] -= 0.01
    change(iris, golden=golden)
    with pytest.raises(BundleError, match="other results than when it was packaged"):
        load_any_model(iris)


WRONG_CARDS = {
    "kind": ({"kind": "audio"}, "kind"),
    "inputs": ({"inputs": []}, "cannot be read"),
    "other input": ({"inputs": [{"name": "Y", "datatype": "FP32", "shape": [-1, 4]}]}, "inputs are not those"),
    "shape": ({"inputs": [{"name": "X", "datatype": "FP32", "shape": [0]}]}, "inputs"),
    "type": ({"inputs": [{"name": "X", "datatype": "FP4", "shape": [4]}]}, "datatype"),
    "labels": ({"labels": []}, "cannot be read"),
    "scores": ({"scores": {"output": "nothing", "kind": "logits"}}, "cannot be read"),
    "unknown": ({"owner": "me"}, "cannot be read"),
}


@pytest.mark.parametrize("what", WRONG_CARDS)
def test_wrong_cards(iris, what):
    """A card that does not describe a tensor model, or not this graph, is refused with a reason."""
    members, expected = WRONG_CARDS[what]
    change(iris, **members)
    with pytest.raises(BundleError, match=expected):
        load_any_model(iris)


def test_card_of_a_row_that_does_not_fit(iris):
    """A card whose input has another width than the graph's is refused, as its golden tensors cannot be computed."""
    change(iris, inputs=[{"name": "X", "datatype": "FP32", "shape": [-1, 5]}])
    with pytest.raises(BundleError, match="golden tensors cannot be computed"):
        load_any_model(iris)


def test_in_parts(iris):
    """A batch that is computed in parts gives each row what it gets alone."""
    model = load_any_model(iris)
    rows = golden_inputs(model.card, rows=VALUES_AT_ONCE // 4 + 3)["X"]
    assert np.allclose(model.probabilities(rows)[-1], model.probabilities(rows[-1:])[0], atol=1e-6)
    assert len(model.probabilities(rows)) == len(rows)


def test_bounded_memory(tmp_path):
    """An input of eight bytes that asks for four gigabytes is refused by the run, and the model goes on."""
    package(tmp_path / "models", shape_graph(), "ones")
    model = load_any_model(tmp_path / "models" / "ones" / "1")
    with pytest.raises(RunFailed):
        model.run({"size": np.array([1 << 30])})
    assert model.run({"size": np.array([1000])})["sum"] == 1000


def test_bounded_time(tmp_path):
    """A run that takes longer than it may is ended, and so are the later ones of the request, not those of others."""
    package(tmp_path / "models", loop_graph(), "loop")
    model = load_any_model(tmp_path / "models" / "loop" / "1")

    def run_too_long(seconds):
        with scoring_limit(seconds):
            for rounds in (1 << 60, 1):
                with pytest.raises(RunFailed):
                    model.run({"rounds": np.array(rounds)})

    for seconds in (0.3, 0.5):
        with pytest.raises(RunTooLong, match=f"longer than {seconds} s"):
            run_too_long(seconds)
    with scoring_limit(10):
        assert model.run({"rounds": np.array(3)})["powers"] == 8
    assert [thread.name for thread in threading.enumerate()].count("run-watchdog") == 1


def test_tried_in_another_process(iris, tmp_path):
    """A bundle is tried like all others: one that cannot be used is refused with the reason."""
    verify(iris)
    change(iris, inputs=[{"name": "X", "datatype": "FP32", "shape": [-1, 5]}])
    with pytest.raises(Unrunnable, match="golden tensors"):
        verify(iris)


def test_where_customers_are_scored(iris, tmp_path, monkeypatch):
    """Commands and functions that score customers say in one line that it is a tensor model."""
    with pytest.raises(BundleError, match="tensor model, which scores no customers"):
        load_model(iris)
    monkeypatch.setenv("CHURN_MODELS_DIR", str(tmp_path / "models"))
    (tmp_path / "table.csv").write_text("a\n1\n")
    for arguments in (
        ["score", str(tmp_path / "table.csv"), "--model", "iris", "--version", "1"],
        ["report", "iris", "1"],
        ["models", "compare", "iris", "1", "1"],
    ):
        done = CliRunner().invoke(main, arguments)
        assert (done.exit_code, "tensor model" in done.stderr) == (2, True), (arguments, done.output)


def test_listed_and_shown(iris, instance, tmp_path, monkeypatch):
    """`models list` and `models show` have tensor models beside the others."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(tmp_path / "models"))
    make_all_live(tmp_path / "models", Database(f"sqlite:///{instance / 'churn.db'}"))
    listed = CliRunner().invoke(main, ["models", "list"])
    assert listed.stdout.splitlines()[1].split()[:3] == ["iris", "1", "live"]
    as_json = json.loads(CliRunner().invoke(main, ["models", "list", "--json"]).stdout)
    assert as_json[0]["bundles"]["1"]["kind"] == "tensor"
    shown = CliRunner().invoke(main, ["models", "show", "iris"])
    assert json.loads(shown.stdout)["labels"] == list(IRISES)


def zipped(folder, **changed):
    sent = io.BytesIO()
    with zipfile.ZipFile(sent, "w") as archive:
        for name in ("card.json", "model.onnx"):
            archive.writestr(name, changed.get(name, (folder / name).read_bytes()))
    return {"bundle": (io.BytesIO(sent.getvalue()), "bundle.zip")}


@pytest.fixture
def manager(iris, tmp_path, make_key):
    """A client that may do everything, of a service that has nothing but these models."""
    app = create_app({"MODELS_DIR": str(tmp_path / "models"), "TESTING": True})
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = make_key(*SCOPES)
    yield client
    close(app)


def test_uploaded_and_swapped(manager, iris):
    """An uploaded version answers once it is live, and the way back is the same call."""
    sent = manager.post("/api/v1/models", data=zipped(iris))
    assert (sent.status_code, sent.json) == (201, {"name": "iris", "version": "2"})
    row = {"features": [5.1, 3.5, 1.4, 0.2]}
    for version in ("1", "2", "1"):
        assert manager.put("/api/v1/models/iris/live", json={"version": version}).status_code == 200
        assert manager.post("/api/v1/predict/iris", json=row).json["model_version"] == version


def test_bad_uploads(manager, iris):
    """An upload whose graph differs from its card, or whose card is broken, is a 422."""
    card = json.loads((iris / "card.json").read_text())
    for changed in (
        {"model.onnx": shape_graph()},
        {"card.json": msgspec.json.encode(card | {"kind": "audio"})},
        {"card.json": msgspec.json.encode(card | {"labels": ["a"] * 100_001})},
        {"card.json": msgspec.json.encode(card | {"name": "../up"})},
    ):
        refused = manager.post("/api/v1/models", data=zipped(iris, **changed))
        assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "#/bundle"), refused.json
