import pytest

from churn_api.app import create_app


def test_probes(client):
    """A process that holds its default model is alive and ready."""
    assert client.get("/health/live").json == {"status": "alive"}
    assert client.get("/health/ready").json == {"status": "ready"}


@pytest.mark.parametrize("path", ["/health", "/api/v1/health"])
def test_report(client, path):
    """The report tells the models with their live versions, memory and disk."""
    report = client.get(path).json
    assert report["status"] == "ok"
    assert report["checks"]["models"]["live"] == {"default": "1", "odd": "1", "small": "2"}
    assert report["checks"]["memory"]["resident_bytes"] > 0
    assert report["checks"]["disk"]["free_bytes"] > 0


def test_without_models(tmp_path, make_key):
    """Without a models folder the service starts, is alive, is not ready, and says why."""
    client = create_app({"MODELS_DIR": str(tmp_path / "nowhere")}).test_client()
    assert client.get("/health/live").status_code == 200
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert "holds no model named 'default'" in response.json["detail"]
    assert client.get("/health").json["status"] == "down"
    assert client.get("/openapi.json").status_code == 200
    key = {"X-API-Key": make_key("models:read")}
    assert client.get("/api/v1/models", headers=key).json == {"models": [], "count": 0}


def test_card(client):
    """The service's card names the routes to go on with."""
    card = client.get("/").json
    assert card["name"] == "churn-api"
    for path in card["links"].values():
        assert client.get(path).status_code in (200, 405)
