"""A bundle's reasons are checked when it is loaded; a model whose reasons fail serves without them, and says so."""

import hashlib
import json
import shutil

import msgspec
import numpy as np
import onnx
import pytest
from graphs import ENDLESS, HUGE, hostile
from onnx import numpy_helper

from churn_api.access.caller import READ_MODELS
from churn_api.app import create_app
from churn_api.contract.columns import ColumnsBuilder
from churn_api.registry import verification
from churn_api.registry.bundle import read_card
from churn_api.registry.model import load_model
from churn_api.registry.model_errors import NoReasons
from churn_api.registry.verification import Unrunnable, verify


@pytest.fixture
def models(models_dir, tmp_path):
    """A copy of the models that a test may spoil."""
    return shutil.copytree(models_dir, tmp_path / "models")


@pytest.fixture
def boosted(models):
    """The folder of a boosted model."""
    return models / "small" / "2"


def rows_of(card):
    return ColumnsBuilder(card.signature).build_from_rows(card.golden.rows)


def replace_reasons(folder, graph, **parts):
    """Put another graph of reasons into a bundle, with a card that vouches for it."""
    (folder / "reasons.onnx").write_bytes(graph)
    card = json.loads((folder / "card.json").read_text())
    card["files"]["reasons.onnx"] = hashlib.sha256(graph).hexdigest()
    card["reasons"] |= parts
    (folder / "card.json").write_text(json.dumps(card))


@pytest.mark.parametrize("version", ["1", "2"])
def test_explains(models_dir, version):
    """A trained model explains: the same probabilities, and contributions that add up to their log-odds."""
    model = load_model(models_dir / "small" / version)
    columns = rows_of(model.card)
    explained = model.explainer().explain(columns)
    assert model.card.reasons.method == "exact"
    assert np.array_equal(explained.probabilities, model.score(columns))
    assert explained.contributions.shape == (columns.rows, len(model.card.signature.features))
    assert np.abs(explained.probabilities_of_scores() - explained.probabilities).max() < 1e-12
    assert model.explainer().explain(columns.take([])).contributions.shape == (0, len(model.card.signature.features))


def changed_bytes(folder):
    (folder / "reasons.onnx").write_bytes((folder / "reasons.onnx").read_bytes()[:-9] + b"corrupted")


def missing_file(folder):
    (folder / "reasons.onnx").unlink()


def no_graph(folder):
    replace_reasons(folder, b"no graph")


def without_contributions(folder):
    replace_reasons(folder, (folder / "model.onnx").read_bytes())


def other_contributions(folder):
    graph = onnx.load_from_string((folder / "reasons.onnx").read_bytes())
    table = max(graph.graph.initializer, key=lambda each: len(each.raw_data))
    table.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(table) * 1.01, table.name))
    replace_reasons(folder, graph.SerializeToString())


def other_probabilities(folder):
    graph = onnx.load_from_string((folder / "reasons.onnx").read_bytes())
    trees = next(node for node in graph.graph.node if node.op_type == "Add" and "TreeEnsemble" in _maker(graph, node))
    offset = next(each for each in graph.graph.initializer if each.name == trees.input[1])
    offset.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(offset) + 0.01, offset.name))
    replace_reasons(folder, graph.SerializeToString())


def _maker(graph, node):
    return {each.op_type for each in graph.graph.node if node.input[0] in each.output}


FAULTS = {
    changed_bytes: "is not the file that was packaged",
    missing_file: "cannot be read",
    no_graph: "cannot be loaded",
    without_contributions: "cannot explain golden rows",
    other_contributions: "other contributions than when it was packaged",
    other_probabilities: "other probabilities than the model",
}


@pytest.mark.parametrize("spoil", FAULTS)
def test_serves_without(boosted, spoil, caplog):
    """Whatever is wrong with its reasons: the model predicts as before, has no reasons, and the log says why."""
    card = read_card(boosted)
    spoil(boosted)
    model = load_model(boosted)
    assert np.allclose(model.score(rows_of(card)), card.golden.probabilities, rtol=0, atol=1e-6)
    with pytest.raises(NoReasons, match=FAULTS[spoil]):
        model.explainer()
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("version 2 of model 'small' serves without reasons: reasons.onnx ")


def test_earlier_bundles(boosted, caplog):
    """A bundle that was packaged before there were reasons loads as before, and says what to do for reasons."""
    card = json.loads((boosted / "card.json").read_text())
    del card["reasons"], card["files"]["reasons.onnx"]
    (boosted / "card.json").write_text(json.dumps(card))
    (boosted / "reasons.onnx").unlink()
    model = load_model(boosted)
    assert model.score(rows_of(model.card)).shape == (len(model.card.golden.rows),)
    with pytest.raises(NoReasons, match="train or package it again"):
        model.explainer()
    assert caplog.records == []


def test_reported(models, make_key):
    """Readiness, the health report and the model's description say that a served model has no reasons, and why."""
    changed_bytes(models / "default" / "1")
    client = create_app({"MODELS_DIR": str(models), "TESTING": True}).test_client()
    client.environ_base["HTTP_X_API_KEY"] = make_key(READ_MODELS)
    client.get("/api/v1/models")
    # The catalogue has the digest of the card, which is as it was.
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json["status"]) == (200, "ready")
    assert "digest" in ready.json["without_reasons"]["default"]
    check = client.get("/health").json["checks"]["models"]
    assert (check["status"], list(check["without_reasons"])) == ("degraded", ["default"])
    assert "digest" in client.get("/api/v1/models/default").json["without_reasons"]
    assert "without_reasons" not in client.get("/api/v1/models/small").json


def test_described(client):
    """A model's description says how its reasons are computed and what was checked, without the golden rows'."""
    reasons = client.get("/api/v1/models/small").json["reasons"]
    assert (reasons["method"], reasons["scale"], reasons["background_rows"]) == ("exact", "log_odds", 300)
    assert reasons["brute_force"]["largest_difference"] < 1e-9
    assert not {"contributions", "golden_rows"} & reasons.keys()


@pytest.mark.parametrize(("kind", "reason"), [(ENDLESS, "takes longer than 1 s"), (HUGE[0], "more memory")])
def test_tried_first(boosted, monkeypatch, kind, reason):
    """A graph of reasons that does too much is found by the process that tries new bundles, which refuses the bundle:
    under no limits it might run.
    """
    monkeypatch.setattr(verification, "CPU_SECONDS", 1)
    graph = hostile((boosted / "reasons.onnx").read_bytes(), kind)
    replace_reasons(boosted, graph)
    with pytest.raises(Unrunnable, match=reason):
        verify(boosted)


def test_harmless_faults_pass(boosted):
    """A bundle whose reasons were changed can still be registered: it serves without them."""
    changed_bytes(boosted)
    verify(boosted)


def test_card_stays_readable(models_dir):
    """The part about reasons survives writing and reading the card."""
    card = read_card(models_dir / "small" / "2")
    assert msgspec.json.decode(msgspec.json.encode(card), type=type(card)) == card
    assert len(card.reasons.contributions) == len(card.reasons.golden_rows)
