"""Two applications in one process, and one mounted in another."""

import flask
import pytest
from builders import CUSTOMER

import churn_api


def test_two_applications(models_dir):
    """Two applications in one process have their own models, settings and documents."""
    one = churn_api.create_app({"MODELS_DIR": str(models_dir), "MAX_BATCH_ROWS": 1}).test_client()
    two = churn_api.create_app({"MODELS_DIR": str(models_dir), "DEFAULT_MODEL": "small"}).test_client()
    batch = {"customers": [CUSTOMER, CUSTOMER]}
    assert one.post("/api/v1/batch-predict/small", json=batch).status_code == 413
    assert two.post("/api/v1/batch-predict", json=batch).json["model_name"] == "small"
    names = [app.get("/openapi.json").json["paths"]["/api/v1/predict"]["post"]["requestBody"] for app in (one, two)]
    assert names[0] != names[1]


@pytest.fixture
def team(models_dir):
    """A team's own application, with the API mounted in it."""
    app = flask.Flask("team")
    app.add_url_rule("/", view_func=lambda: "the team's own page")
    app.after_request(lambda response: response.headers.set("X-Team", "1") or response)
    churn_api.init_app(app, url_prefix="/churn", config={"MODELS_DIR": str(models_dir)})
    return app.test_client()


def test_mounted(team):
    """Mounted below a prefix, the API serves predictions, documents, pages and probes there."""
    assert team.post("/churn/api/v1/predict/small", json=CUSTOMER).status_code == 200
    assert team.get("/churn/health/ready").status_code == 200
    assert team.get("/churn/").json["links"]["predict"] == "/churn/api/v1/predict"
    assert team.get("/churn/openapi.json").json["servers"] == [{"url": "/churn"}]
    assert 'data-document="/churn/openapi.json"' in team.get("/churn/docs").text


def test_errors_stay_apart(team):
    """Errors below the prefix are problems with the complete path; the team's own errors are unchanged."""
    problem = team.get("/churn/nope")
    assert problem.content_type == "application/problem+json"
    assert problem.json["instance"] == "/churn/nope"
    assert team.get("/nope").content_type.startswith("text/html")


def test_the_team_keeps_its_own(team):
    """The team's pages have the team's headers and none of the API's; the API's responses have none of the team's."""
    page, answer = team.get("/"), team.get("/churn/health/live")
    assert page.text == "the team's own page"
    assert "X-Request-ID" not in page.headers
    assert page.headers["X-Team"] == "1"
    assert "X-Team" not in answer.headers
