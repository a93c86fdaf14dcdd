"""The first request of a process uses the database's current state, not the state at its start or fork."""

import os
from concurrent.futures import ThreadPoolExecutor

import flask
import pytest
from builders import CUSTOMER

import churn_api
from churn_api.config import load_settings
from churn_api.services import Services

PREDICT = "/churn/api/v1/predict/small"


@pytest.fixture
def mounted(models_dir, monkeypatch, make_key):
    """A client of the API in a team's application, with the key `crm`, before the first request."""
    monkeypatch.setenv("CHURN_AUTH", "required")
    key = make_key("predict", name="crm")
    team = flask.Flask("team")
    churn_api.init_app(team, config={"MODELS_DIR": str(models_dir), "TESTING": True})
    client = team.test_client()
    client.environ_base["HTTP_X_API_KEY"] = key
    return client


def revoke():
    services = Services(load_settings())
    services.keys.revoke("crm", by="test")
    services.database.close()


def status_in_a_fork(client):
    """The first response of a process that is forked from this one."""
    pid = os.fork()
    if pid == 0:
        os._exit(client.post(PREDICT, json=CUSTOMER).status_code - 200)
    return 200 + os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_revoked_key(mounted):
    """A key that was revoked after the application started is refused from the first request on."""
    revoke()
    assert mounted.post(PREDICT, json=CUSTOMER).status_code == 401


def test_replaced_version(mounted, models_dir):
    """A version that is not live any more is not used, not even for the first request."""
    services = Services(load_settings({"MODELS_DIR": str(models_dir)}))
    services.management.make_live("small", "1", by="test")
    services.database.close()
    assert mounted.post(PREDICT, json=CUSTOMER).json["model_version"] == "1"


def test_forked_later(mounted):
    """A worker that is forked from a process which has handled requests reads the database again."""
    assert mounted.post(PREDICT, json=CUSTOMER).status_code == 200
    assert status_in_a_fork(mounted) == 200
    revoke()
    assert status_in_a_fork(mounted) == 401


def test_threads_wait_for_the_database(mounted):
    """Of many simultaneous first requests, none is answered before the database is read."""
    revoke()
    application = mounted.application

    def status(_):
        client = application.test_client()
        return client.post(PREDICT, json=CUSTOMER, headers={"X-API-Key": key}).status_code

    key = mounted.environ_base["HTTP_X_API_KEY"]
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(status, range(16))) == {401}


def test_database_away_at_the_first_request(mounted, monkeypatch, caplog):
    """While the database is away the first request uses the state in memory, and the log says so."""
    from churn_api.store.database import Database, DatabaseAway

    def away(*_):
        raise DatabaseAway("test")

    monkeypatch.setattr(Database, "_connection", away)
    assert mounted.post(PREDICT, json=CUSTOMER).status_code == 200
    assert "the database is away (test)" in caplog.text
