"""URLs in responses are what the client must send, wherever the application is mounted."""

import io

import flask
import pytest
from builders import CUSTOMER

import churn_api
from churn_api.access.caller import SCOPES
from churn_api.config import StartError


@pytest.fixture
def mounted(models_dir, make_key, request):
    """A client of a team's application that has the API below a prefix."""
    app = flask.Flask("team")
    churn_api.init_app(app, request.param, {"MODELS_DIR": str(models_dir), "MAX_BATCH_ROWS": 1})
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = make_key(*SCOPES)
    return client


@pytest.mark.parametrize("mounted", ["/churn", "churn", "/churn/", "churn/"], indirect=True)
def test_any_spelling(mounted):
    """A prefix means the same with and without slashes around it."""
    assert mounted.post("/churn/api/v1/predict/small", json=CUSTOMER).status_code == 200
    assert mounted.get("/api/v1/models").status_code == 404


@pytest.mark.parametrize("prefix", ["", "/", "//"])
def test_no_prefix(prefix):
    """Mounting at the root, which would hide the team's routes, is refused in one line with advice."""
    with pytest.raises(StartError, match=r"url_prefix is .*: name a path"):
        churn_api.init_app(flask.Flask("team"), prefix)


@pytest.mark.parametrize("mounted", ["/in/here"], indirect=True)
def test_texts(mounted):
    """The texts of problems have URLs below the prefix."""
    unknown = mounted.post("/in/here/api/v1/predict/nobody", json=CUSTOMER).json
    assert unknown["detail"] == "GET /in/here/api/v1/models lists the models."
    version = mounted.post("/in/here/api/v1/predict/small?version=9", json=CUSTOMER).json
    assert version["detail"] == "GET /in/here/api/v1/models/<model> lists its versions."
    large = mounted.post("/in/here/api/v1/batch-predict/small", json={"customers": [CUSTOMER] * 2}).json
    assert "POST /in/here/api/v1/jobs takes a file of any size." in large["detail"]
    assert "GET /in/here/api/v1/jobs lists your jobs." in mounted.get("/in/here/api/v1/jobs/none").json["detail"]


@pytest.mark.parametrize("mounted", ["/in/here"], indirect=True)
def test_links(mounted):
    """`Location` and links can be followed."""
    file = {"file": (io.BytesIO(b"tenure\n1\n"), "customers.csv"), "model": "small"}
    queued = mounted.post("/in/here/api/v1/jobs", data=file)
    assert queued.headers["Location"] == queued.json["links"]["self"]
    assert mounted.get(queued.headers["Location"]).json["id"] == queued.json["id"]
    for link in mounted.get("/in/here/").json["links"].values():
        assert mounted.get(link).status_code in (200, 405)
