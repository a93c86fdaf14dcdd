"""Authentication and authorization."""

import base64
import io
import socket
import time
from datetime import timedelta

import jwt
import pytest
from builders import CUSTOMER
from conftest import SECRET

from churn_api.access.caller import SCOPES
from churn_api.app import create_app

PREDICT = "/api/v1/predict/small"
NEEDED = {
    ("POST", PREDICT): "predict",
    ("POST", "/api/v1/batch-predict/small"): "predict",
    ("GET", "/api/v1/models"): "models:read",
    ("GET", "/api/v1/models/small"): "models:read",
    ("POST", "/api/v1/models"): "models:write",
    ("DELETE", "/api/v1/models/odd"): "models:write",
    ("PUT", "/api/v1/models/small/live"): "models:write",
    ("GET", "/api/v1/status"): "ops",
}


@pytest.fixture
def anonymous(models_dir, monkeypatch):
    """A client without a key, where keys are required."""
    monkeypatch.setenv("CHURN_AUTH", "required")
    return create_app({"MODELS_DIR": str(models_dir), "TESTING": True}).test_client()


def code(response):
    return response.status_code, response.json["code"]


@pytest.mark.parametrize(("method", "route"), NEEDED)
def test_scopes(anonymous, make_key, method, route):
    """Every route requires its scope: without a key 401, with another scope 403 that names the required one."""
    scope = NEEDED[method, route]
    response = anonymous.open(route, method=method, json=CUSTOMER)
    assert code(response) == (401, "missing-credentials")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="churn-api"'
    others = make_key(*(other for other in SCOPES if other != scope), name="others")
    refused = anonymous.open(route, method=method, json=CUSTOMER, headers={"X-API-Key": others})
    assert code(refused) == (403, "missing-scope")
    assert refused.json["scope"] == scope
    own = anonymous.open(route, method=method, json=CUSTOMER, headers={"X-API-Key": make_key(scope, name="own")})
    assert own.status_code not in (401, 403)


@pytest.mark.parametrize("header", ["X-API-Key", "Authorization"])
def test_key_in_either_header(anonymous, make_key, header):
    """A key is accepted in either header."""
    key = make_key("predict")
    headers = {header: key if header == "X-API-Key" else f"Bearer {key}"}
    assert anonymous.post(PREDICT, json=CUSTOMER, headers=headers).status_code == 200


@pytest.mark.parametrize("route", ["/", "/health", "/health/live", "/health/ready", "/docs", "/openapi.json"])
def test_open_routes(anonymous, route):
    """The service card, health and the documents need no credentials."""
    assert anonymous.get(route).status_code in (200, 503)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": ""},
        {"X-API-Key": "churn_aaaaaaaaaaaa_" + "A" * 43},
        {"X-API-Key": "' OR 1=1 --"},
        {"Authorization": "Bearer churn_aaaaaaaaaaaa_" + "A" * 43},
        {"Authorization": "Bearer churn_"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Basic !"},
    ],
)
def test_wrong_keys(anonymous, headers):
    """All wrong keys are 401 with the same text."""
    response = anonymous.post(PREDICT, json=CUSTOMER, headers=headers)
    assert code(response) == (401, "invalid-key")
    assert response.json["detail"] == "The key is not valid here."


@pytest.mark.parametrize("value", ["Bearer", "Bearer a.b.c", "Bearer " + "x" * 5000, "Token x", "é"])
def test_wrong_tokens(anonymous, value):
    """Anything that is neither key nor token is 401 with a WWW-Authenticate challenge."""
    response = anonymous.post(PREDICT, json=CUSTOMER, headers={"Authorization": value})
    assert code(response) == (401, "invalid-token")
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


def test_expired_key_is_like_none(anonymous, make_key):
    """Responses to an expired key and to a wrong key are the same."""
    key = make_key("predict", expires=timedelta(seconds=-1))
    expired = anonymous.post(PREDICT, json=CUSTOMER, headers={"X-API-Key": key})
    assert code(expired) == (401, "invalid-key")


@pytest.fixture
def opened(models_dir):
    """An application on a developer's machine with AUTH=open."""
    return create_app({"MODELS_DIR": str(models_dir), "TESTING": True, "AUTH": "open"}).test_client()


def test_open_auth(opened, make_key):
    """With AUTH=open, callers without credentials may predict, read models and run jobs; wrong keys are refused."""
    assert opened.post(PREDICT, json=CUSTOMER).status_code == 200
    assert opened.get("/api/v1/models/small").status_code == 200
    row = ",".join(map(str, CUSTOMER.values()))
    table = io.BytesIO(f"{','.join(CUSTOMER)}\n{row}\n".encode())
    made = opened.post("/api/v1/jobs", data={"file": (table, "one.csv"), "model": "small"})
    assert made.status_code == 202
    assert opened.get(made.headers["Location"]).json["state"] == "queued"
    assert code(opened.post(PREDICT, json=CUSTOMER, headers={"X-API-Key": "x"})) == (401, "invalid-key")
    headers = {"X-API-Key": make_key("ops")}
    assert code(opened.post(PREDICT, json=CUSTOMER, headers=headers)) == (403, "missing-scope")


@pytest.mark.parametrize(
    ("method", "route"), [*(at for at in NEEDED if NEEDED[at] in ("models:write", "ops")), ("POST", "/api/v1/token")]
)
def test_open_auth_does_not_manage(opened, method, route):
    """With AUTH=open, management, operations and tokens still need a key."""
    assert code(opened.open(route, method=method, json={})) == (401, "missing-credentials")


@pytest.mark.parametrize("address", ["10.1.2.3", "2001:db8::1", "", "::ffff:10.1.2.3"])
def test_open_auth_is_for_this_machine(opened, models_dir, address):
    """With AUTH=open, a caller from another machine needs a key on any server, unless ALLOW_OPEN is set."""
    elsewhere = {"REMOTE_ADDR": address}
    refused = opened.post(PREDICT, json=CUSTOMER, environ_overrides=elsewhere)
    assert code(refused) == (401, "missing-credentials")
    assert opened.post(PREDICT, json=CUSTOMER, environ_overrides={"REMOTE_ADDR": "::ffff:127.0.0.9"}).status_code == 200
    anywhere = create_app({"MODELS_DIR": str(models_dir), "TESTING": True, "AUTH": "open", "ALLOW_OPEN": True})
    assert anywhere.test_client().get("/api/v1/models", environ_overrides=elsewhere).status_code == 200


def test_open_auth_of_a_process_that_listens_elsewhere(models_dir, caplog):
    """Where the process listens beyond loopback, AUTH=open accepts no one without a key, and the log says why."""
    client = create_app({"MODELS_DIR": str(models_dir), "TESTING": True, "AUTH": "open"}).test_client()
    with socket.create_server(("0.0.0.0", 0)):  # noqa: S104
        assert code(client.post(PREDICT, json=CUSTOMER)) == (401, "missing-credentials")
    assert "CHURN_ALLOW_OPEN=1" in caplog.text


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_key_as_password(anonymous, make_key):
    """A key is accepted as the password of Basic credentials with any user name; its scopes apply as usual."""
    key = make_key("predict")
    for user in ("", "crm", "ä"):
        assert anonymous.post(PREDICT, json=CUSTOMER, headers=basic(user, key)).status_code == 200
    assert code(anonymous.get("/api/v1/models", headers=basic("", key))) == (403, "missing-scope")
    for wrong in (basic(key, ""), basic("a", "b"), {"Authorization": "Basic"}, {"Authorization": "Basic é"}):
        assert anonymous.post(PREDICT, json=CUSTOMER, headers=wrong).status_code == 401


def token(client, key, **body):
    return client.post("/api/v1/token", headers={"X-API-Key": key}, **body)


def test_token(anonymous, make_key):
    """A key creates a short-lived token with all or some of its scopes, and the token has exactly these."""
    key = make_key("predict", "models:read")
    full = token(anonymous, key).json
    assert (full["token_type"], full["expires_in"], full["scope"]) == ("Bearer", 900, "models:read predict")
    some = token(anonymous, key, json={"scopes": ["predict"]}).json
    headers = {"Authorization": f"Bearer {some['access_token']}"}
    assert anonymous.post(PREDICT, json=CUSTOMER, headers=headers).status_code == 200
    assert code(anonymous.get("/api/v1/models", headers=headers)) == (403, "missing-scope")


def test_token_of_more(anonymous, make_key):
    """A token cannot have a scope that its key lacks, and a token cannot create a token."""
    key = make_key("predict")
    refused = token(anonymous, key, json={"scopes": ["predict", "ops"]})
    assert code(refused) == (403, "missing-scope")
    assert refused.json["scope"] == "ops"
    headers = {"Authorization": f"Bearer {token(anonymous, key).json['access_token']}"}
    assert code(anonymous.post("/api/v1/token", headers=headers)) == (403, "missing-scope")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"scopes": ["all"]}, "#/scopes"), ({"scopes": "predict"}, "#/scopes"), ({"scope": []}, "#/scope"), ([], "#")],
)
def test_bad_token_request(anonymous, make_key, body, pointer):
    """An invalid request for a token names the invalid member."""
    response = token(anonymous, make_key("predict"), json=body)
    assert code(response) == (422, "validation-failed")
    assert [entry["pointer"] for entry in response.json["errors"]] == [pointer]


def test_token_ends_with_its_key(anonymous, make_key, instance):
    """A token is refused once its key is revoked."""
    from churn_api.config import load_settings
    from churn_api.services import Services

    headers = {"Authorization": f"Bearer {token(anonymous, make_key('predict')).json['access_token']}"}
    assert anonymous.post(PREDICT, json=CUSTOMER, headers=headers).status_code == 200
    Services(load_settings()).keys.revoke("tests", by="test")
    anonymous.application.extensions["churn_api"].key_cache.refresh()
    assert code(anonymous.post(PREDICT, json=CUSTOMER, headers=headers)) == (401, "invalid-token")


def test_expired_token(anonymous, make_key):
    """An expired token has a problem code of its own, so that the client requests a new one."""
    now = time.time()
    claims = {"iss": "churn-api", "aud": "churn-api", "sub": "key:x", "name": "x", "exp": now - 60, "scope": "predict"}
    headers = {"Authorization": f"Bearer {jwt.encode(claims, SECRET, 'HS256')}"}
    assert code(anonymous.post(PREDICT, json=CUSTOMER, headers=headers)) == (401, "token-expired")


def test_database_away(anonymous, make_key, monkeypatch):
    """While the database is away, known keys are served, others get 503, and readiness names the database."""
    from churn_api.store.database import Database, DatabaseAway

    met = make_key("predict", name="met")
    assert anonymous.post(PREDICT, json=CUSTOMER, headers={"X-API-Key": met}).status_code == 200
    other = make_key("predict", name="other")

    def away(*_):
        raise DatabaseAway("test")

    monkeypatch.setattr(Database, "_connection", away)
    assert anonymous.post(PREDICT, json=CUSTOMER, headers={"X-API-Key": met}).status_code == 200
    refused = anonymous.post(PREDICT, json=CUSTOMER, headers={"X-API-Key": other})
    assert code(refused) == (503, "dependency-unavailable")
    assert refused.headers["Retry-After"] == "5"
    ready = anonymous.get("/health/ready")
    assert (code(ready), ready.json["part"]) == ((503, "dependency-unavailable"), "database")
    assert anonymous.get("/health").json["checks"]["database"]["status"] == "degraded"
