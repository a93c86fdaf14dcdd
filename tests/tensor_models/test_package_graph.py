"""`churn-api package model.onnx`: a graph as it is becomes a bundle, or the command says what to correct."""

import json

import numpy as np
import pytest
import tensor_graphs
from click.testing import CliRunner
from onnx import TensorProto, helper
from sklearn.datasets import load_iris
from tensor_graphs import COLOURS, IRISES, colour_graph, graph_of, iris_classifier, iris_graph, package, sum_graph

from churn_api.cli import main
from churn_api.registry.model import load_any_model
from churn_api.training.training_error import TrainingError


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run `churn-api package` in a folder that has the iris classifier's graph and labels."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHURN_MODELS_DIR", str(tmp_path / "models"))
    (tmp_path / "iris.onnx").write_bytes(iris_graph())
    (tmp_path / "colours.onnx").write_bytes(colour_graph())
    (tmp_path / "labels.txt").write_text("\n".join(IRISES))
    return lambda *arguments: CliRunner().invoke(main, ["package", *arguments])


def test_iris(run, tmp_path):
    """The command writes a bundle whose card names the inputs, the outputs with their types and shapes, and labels."""
    done = run("iris.onnx", "--labels", "labels.txt", "--name", "iris")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        "iris, version 1, is a tensor model",
        "takes X: FP32 [any, 4]",
        "returns output_label: INT64 [any]",
        "returns output_probability: FP32 [any, 3]",
        "3 labels, by the probabilities in output_probability",
    ]
    assert "churn-api models live iris 1" in done.stderr
    card = json.loads((tmp_path / "models" / "iris" / "1" / "card.json").read_text())
    assert (card["kind"], card["labels"], card["independent_rows"]) == ("tensor", list(IRISES), True)
    assert card["inputs"] == [{"name": "X", "datatype": "FP32", "shape": [-1, 4]}]


def test_same_as_scikit_learn(tmp_path):
    """A packaged classifier gives scikit-learn's probabilities, though the graph that skl2onnx wrote had a ZipMap."""
    package(tmp_path / "models", iris_graph(), "iris", IRISES)
    rows = load_iris().data
    probabilities = load_any_model(tmp_path / "models" / "iris" / "1").probabilities(rows.astype(np.float32))
    assert np.allclose(probabilities, iris_classifier().predict_proba(rows), atol=1e-5)


def test_labels_of_the_graph(tmp_path):
    """Without a file of labels they are the texts that the classifier was fitted on."""
    from skl2onnx import to_onnx
    from sklearn.linear_model import LogisticRegression

    irises = load_iris()
    named = LogisticRegression(max_iter=200).fit(irises.data, irises.target_names[irises.target])
    card = package(tmp_path / "models", to_onnx(named, irises.data[:1]).SerializeToString(), "named")
    assert card.labels == IRISES
    assert card.inputs[0].datatype == "FP64"


def test_image(run):
    """Size, mean and scale of images go into the card; one number stands for all channels."""
    arguments = ["colours.onnx", "--labels", "labels.txt", "--image", "8x8", "--image-mean", "0.1,0.2,0.3"]
    done = run(*arguments, "--image-scale", "0.5", "--json")
    card = json.loads(done.stdout)
    assert card["image"] == {
        "input": "image",
        "size": [8, 8],
        "channels": 3,
        "channels_first": True,
        "mean": [0.1, 0.2, 0.3],
        "scale": [0.5, 0.5, 0.5],
    }
    assert card["scores"] == {"output": "colours", "kind": "logits"}


REFUSED = {
    "no size": (["--image-mean", "0.5"], "give the size too"),
    "bad size": (["--image", "8"], "write it as HEIGHTxWIDTH"),
    "bad mean": (["--image", "8x8", "--image-mean", "nan"], "write numbers separated by commas"),
    "other size": (["--image", "9x9", "--labels", "labels.txt"], "an image of 9x9 does not fit 'image'"),
    "two means": (["--image", "8x8", "--image-mean", "1,2", "--labels", "labels.txt"], "a number for each channel"),
    "zero scale": (["--image", "8x8", "--image-scale", "0", "--labels", "labels.txt"], "scale is not 0"),
    "no labels": (["--image", "8x8"], "--labels labels.txt"),
    "signature": (["--signature", "labels.txt"], "it has no signature"),
    "no file": (["--labels", "missing.txt"], "missing.txt cannot be read"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_options(run, tmp_path, what):
    """Options that do not fit end the command with exit code 2 and a line that says what to do; nothing is written."""
    arguments, expected = REFUSED[what]
    done = run("colours.onnx", *arguments)
    assert (done.exit_code, (tmp_path / "models").exists()) == (2, False)
    assert expected in done.stderr


def test_options_of_graphs_with_a_pipeline(run):
    """Labels belong to a graph: with a pipeline they are refused, and a pipeline needs a signature."""
    assert "--labels is for an ONNX graph" in run("pipeline.joblib", "--labels", "labels.txt").stderr
    assert "needs the signature of a record" in run("pipeline.joblib").stderr


BROKEN = {
    "not a graph": (lambda: b"\x80\x04.", "no ONNX graph"),
    "empty": (lambda: b"", "no ONNX graph"),
    "operators": (tensor_graphs.with_custom_operator, "com.example"),
    "weights": (tensor_graphs.with_weights_elsewhere, "in another file"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_graphs_that_no_server_runs(tmp_path, what):
    """A file that is no graph, operators that are not ONNX's own and weights in another file are refused in words."""
    graph, expected = BROKEN[what]
    with pytest.raises(TrainingError, match=expected):
        package(tmp_path / "models", graph(), "broken")
    assert not (tmp_path / "models").exists()


def test_labels_that_no_output_has(tmp_path):
    """Labels for which no output has numbers are refused, with what the graph returns."""
    with pytest.raises(TrainingError, match=r"each of the 4 labels: the graph returned colours \[3, 3\]"):
        package(tmp_path / "models", colour_graph(), "colours", (*COLOURS, "yellow"))


def test_no_image(tmp_path):
    """A matrix is no image."""
    with pytest.raises(TrainingError, match=r"takes no image.*\[any, 4\]"):
        package(tmp_path / "models", iris_graph(), "iris", IRISES, tensor_graphs.ImageOptions((8, 8), (0.0,), (1.0,)))


def test_fixed_rows(tmp_path):
    """A graph that takes one row at a time takes rows of numbers; one of three rows takes tensors alone."""
    for rows, takes_rows in ((1, True), (3, False)):
        shape = [rows, 4]
        nodes = [helper.make_node("Softmax", ["x"], ["y"])]
        graph = graph_of(nodes, [("x", TensorProto.FLOAT, shape)], [("y", TensorProto.FLOAT, shape)])
        name = f"rows{rows}"
        card = package(tmp_path / "models", graph, name, ("a", "b", "c", "d"))
        assert (card.matrix is not None) == takes_rows
        model = load_any_model(tmp_path / "models" / name / "1")
        if takes_rows:
            assert model.probabilities(np.eye(4, dtype=np.float32)).argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_without_labels(tmp_path):
    """A graph with any inputs and outputs is packaged without labels, and a run gives what it computes."""
    package(tmp_path / "models", sum_graph(), "sum")
    model = load_any_model(tmp_path / "models" / "sum" / "1")
    ones, names = np.ones((2, 2)), np.array(["é", ""], dtype=object)
    computed = model.run({"left": ones, "right": ones, "names": names})
    assert computed["sum"].tolist() == [[2, 2], [2, 2]]
    assert computed["same_names"].tolist() == ["é", ""]
