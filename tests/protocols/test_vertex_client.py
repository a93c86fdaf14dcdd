"""Google's own client of Vertex AI, unmodified, with REST as its transport."""

import pytest
import requests
from inference_bodies import records

prediction_service = pytest.importorskip(
    "google.cloud.aiplatform_v1.services.prediction_service",
    reason="google-cloud-aiplatform is not installed: `make test-clients`",
)
PATH = "projects/p/locations/l/endpoints/"


@pytest.fixture
def server(serve, models_dir):
    with serve(models_dir, workers=1) as server:
        yield server


@pytest.fixture
def ask(server):
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.aiplatform_v1.services.prediction_service.transports import PredictionServiceRestTransport

    host = server.url.removeprefix("http://")
    transport = PredictionServiceRestTransport(host=host, credentials=AnonymousCredentials(), url_scheme="http")
    client = prediction_service.PredictionServiceClient(transport=transport)
    return lambda model, instances: client.predict(endpoint=PATH + model, instances=instances, retry=None, timeout=30)


def test_vertex_client(server, ask):
    """The client, which sends every number as a float, reads the doubles of /api/v1."""
    answer = requests.post(f"{server.url}/api/v1/batch-predict/small", json={"customers": records()}, timeout=30).json()
    expected = [row["churn_probability"] for row in answer["predictions"]]
    assert [row["churn_probability"] for row in ask("small", records()).predictions] == expected


def test_errors_in_vertex_client(ask):
    """The client raises its own exceptions, by status, with words that name the column."""
    from google.api_core.exceptions import BadRequest, NotFound

    with pytest.raises(BadRequest, match="tenure"):
        ask("small", [{**records()[0], "tenure": 1.5}])
    with pytest.raises(NotFound):
        ask("nope", records())
