"""Routes deny by default: a view must declare who may call it."""

import functools
from types import SimpleNamespace

import pytest
from flask import Blueprint, jsonify

import churn_api.app
from churn_api.app import create_app
from churn_api.config import StartError
from churn_api.web.core.declaration import PUBLIC
from churn_api.web.core.operation import operation

ADDRESS = "/api/v1/secret"


@pytest.fixture
def make(models_dir, monkeypatch):
    """Make an application with one more blueprint, where keys are required."""

    def made(blueprint):
        monkeypatch.setenv("CHURN_AUTH", "required")
        monkeypatch.setattr(churn_api.app, "V1", (*churn_api.app.V1, SimpleNamespace(blueprint=blueprint)))
        return create_app({"MODELS_DIR": str(models_dir), "TESTING": True})

    return made


def secret():
    """Return a secret."""
    return jsonify({"secret": 1})


def polite(view):
    """A decorator with functools.wraps."""

    @functools.wraps(view)
    def wrapper(**arguments):
        return view(**arguments)

    return wrapper


def rude(view):
    """A decorator without functools.wraps."""

    def wrapper(**arguments):
        return view(**arguments)

    return wrapper


def blueprint_of(view, **options):
    blueprint = Blueprint("secrets", __name__, **options)
    blueprint.add_url_rule("/secret", "secret", view)
    return blueprint


@pytest.mark.parametrize(
    "view", [secret, polite(secret), rude(secret), rude(operation("Health", access="ops")(secret))]
)
def test_undeclared_view(make, view):
    """An application with an undeclared view does not start, and names the view."""
    with pytest.raises(StartError, match=r"the view 'secrets\.secret' does not say who may call it"):
        make(blueprint_of(view))


def test_undeclared_static_route(make, tmp_path):
    """A blueprint with a static folder is refused in the same way."""
    with pytest.raises(StartError, match=r"secrets\.static"):
        make(blueprint_of(operation("Health", access="ops")(secret), static_folder=str(tmp_path)))


def test_view_that_comes_later(app):
    """An undeclared view cannot be added to a running application either."""
    with pytest.raises(StartError, match="later"):
        app.add_url_rule("/later", "later", secret)


def test_declaration_without_access():
    """A declaration needs an access, also for public views."""
    with pytest.raises(TypeError, match="access"):
        operation("Health")
    for access in (None, "", "everyone", "models:wirte"):
        with pytest.raises(StartError, match="PUBLIC"):
            operation("Health", access=access)


@pytest.mark.parametrize(
    "view",
    [
        operation("Health", access="ops")(secret),
        polite(operation("Health", access="ops")(secret)),
        operation("Health", access="ops")(polite(secret)),
        operation("Health", access="ops")(rude(secret)),
    ],
    ids=["plain", "decorated above", "decorated below", "decorated below, rudely"],
)
def test_guarded(make, make_key, view):
    """A view requires its declared scope, whatever other decorators it has."""
    client = make(blueprint_of(view)).test_client()
    assert client.get(ADDRESS).status_code == 401
    assert client.get(ADDRESS, headers={"X-API-Key": make_key("predict", name="other")}).status_code == 403
    assert client.get(ADDRESS, headers={"X-API-Key": make_key("ops", name="own")}).json == {"secret": 1}


def test_view_that_is_replaced(make):
    """The declaration belongs to the endpoint: a function that replaces the view has the same access."""
    app = make(blueprint_of(operation("Health", access="ops")(secret)))
    app.view_functions["secrets.secret"] = secret
    assert app.test_client().get(ADDRESS).status_code == 401


def test_another_view_for_an_endpoint(make):
    """A second view cannot replace the view or the declaration of an endpoint."""
    app = make(blueprint_of(operation("Health", access="ops")(secret)))
    with pytest.raises(AssertionError, match="overwriting"):
        app.add_url_rule("/other", "secrets.secret", operation("Health", access=PUBLIC)(secret))
    client = app.test_client()
    assert [client.get(address).status_code for address in (ADDRESS, "/other")] == [401, 401]


def test_public_view(make):
    """A view that is declared public needs no key."""
    client = make(blueprint_of(operation("Health", access=PUBLIC)(secret))).test_client()
    assert client.get(ADDRESS).json == {"secret": 1}


def test_route_past_the_door(app, caplog):
    """A rule that is added to the URL map without a declaration is refused to everyone, and the log names it."""
    app.url_map.add(app.url_rule_class("/past", methods=["GET"], endpoint="past"))
    app.view_functions["past"] = secret
    answer = app.test_client().get("/past")
    assert (answer.status_code, answer.json["code"]) == (500, "internal-error")
    assert "'past' declares no operation" in caplog.text


def test_unknown_parameters_everywhere(app, client):
    """A misspelt query parameter is a 422, or a protocol's 400, on every route and method, with its name."""
    asked = 0
    for rule in app.url_map.iter_rules():
        address = rule.rule.replace("<model>", "small").replace("<job>", "none").replace("<path:name>", "docs.js")
        own = app.operations[rule.endpoint].protocol is None
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            answer = client.open(f"{address}?treshold=1", method=method, json={})
            assert answer.status_code == (422 if own else 400), (method, address, answer.text)
            assert answer.json["errors"][0]["parameter"] == "treshold"
            asked += 1
    assert asked > 25
