"""MODEL_TIMEOUT: scoring that takes too long ends, and is a 504."""

import time

import pytest
from builders import CUSTOMER
from graphs import ENDLESS, hostile

from churn_api.app import create_app
from churn_api.registry.golden_tensors import golden_inputs
from churn_api.registry.model import load_any_model, load_model
from churn_api.scoring.onnx import OnnxScorer
from churn_api.scoring.run_errors import RunTooLong
from churn_api.serving.data_plane import DataPlane
from churn_api.serving.prediction_options import Options
from churn_api.web.core.app_services import services_of


class SlowPipeline:
    """A scorer that nothing can end, as a pipeline of scikit-learn is."""

    def __init__(self, scorer, seconds):
        self._scorer, self._seconds = scorer, seconds

    def score(self, columns):
        time.sleep(self._seconds)
        return self._scorer.score(columns)


@pytest.fixture
def model(models_dir):
    return load_model(models_dir / "small" / "1")


@pytest.fixture
def endless(models_dir, model):
    graph = (models_dir / "small" / "1" / "model.onnx").read_bytes()
    return model._replace(scorer=OnnxScorer(hostile(graph, ENDLESS)))


def batch_of(model):
    return model.reader.read_rows([CUSTOMER] * 3, 3, lambda index, path: path)


@pytest.mark.parametrize("many", [True, False])
def test_a_graph_ends(model, endless, many):
    """A graph that computes for ever is ended in time, and the next prediction is as fast and as exact as before."""
    plane, batch = DataPlane(max_seconds=0.2), batch_of(model)
    expected = DataPlane().predict(model, batch, Options(), many=many).columns
    for _ in range(2):
        started = time.monotonic()
        with pytest.raises(RunTooLong, match=r"longer than 0\.2 s"):
            plane.predict(endless, batch, Options(), many=many)
        assert time.monotonic() - started < 5
        columns = plane.predict(model, batch, Options(), many=many).columns
        assert {name: list(values) for name, values in columns.items()} == {
            name: list(values) for name, values in expected.items()
        }


def test_a_pipeline_is_found_too_long(model):
    """A scorer that cannot be ended is found too long when it returns."""
    slow, plane = model._replace(scorer=SlowPipeline(model.scorer, 0.3)), DataPlane(max_seconds=0.1)
    with pytest.raises(RunTooLong):
        plane.predict(slow, batch_of(model), Options(), many=True)


def test_a_tensor_model_is_found_too_long(tensor_models_dir):
    """A graph of a tensor model whose last operator ends late is found too long when it returns."""
    iris = load_any_model(tensor_models_dir / "iris" / "1")

    class SlowGraph:
        def run(self, outputs, tensors):
            time.sleep(0.3)
            return iris.graph.run(outputs, tensors)

    slow, plane = iris._replace(graph=SlowGraph()), DataPlane(max_seconds=0.1)
    with pytest.raises(RunTooLong):
        plane.run_tensors(slow, golden_inputs(iris.card), (), many=True)


def test_other_errors_stay(model):
    """An error within the time is that error."""

    class Broken:
        def score(self, columns):
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        DataPlane(max_seconds=60).predict(model._replace(scorer=Broken()), batch_of(model), Options(), many=True)


def test_gateway_timeout(models_dir, make_key, endless):
    """A request whose scoring takes too long is a 504 with words, counted by its route; the others are answered."""
    app = create_app({"MODELS_DIR": str(models_dir), "MODEL_TIMEOUT": 1})
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = make_key("predict", "ops")
    services_of(app).live._loaded.put(("small", "1"), endless)
    body = {"/api/v1/predict/small": CUSTOMER, "/api/v1/batch-predict/small": {"customers": [CUSTOMER]}}
    for path, sent in body.items():
        with client.post(f"{path}?version=1", json=sent) as answer:
            assert (answer.status_code, answer.json["code"]) == (504, "gateway-timeout")
            assert answer.json["detail"] == "The model computes longer than 1 s."
        assert client.post(path, json=sent).status_code == 200
    text = client.get("/api/v1/metrics").text
    for path in body:
        route = path.replace("small", "<model>")
        assert f'http_requests_total{{method="POST",protocol="api",route="{route}",status="504"}} 1.0' in text
