"""Applications from Python: their database, predictions by their live version, and closing them."""

import gc
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import flask
import pytest
from builders import CUSTOMER
from scrapes import until
from sqlalchemy import create_engine, text

import churn_api
from churn_api.access.caller import SCOPES
from churn_api.config import load_settings
from churn_api.services import Services
from churn_api.store import audit
from churn_api.store.database import Database
from churn_api.web.core.app_services import services_of

MEMORY = "sqlite:///:memory:"


@pytest.fixture
def config(models_dir):
    """The configuration of most tests."""
    return {"MODELS_DIR": str(models_dir)}


@pytest.fixture
def app(config):
    """An application that follows its database, as in production."""
    app = churn_api.create_app(config)
    yield app
    churn_api.close(app)


@pytest.fixture(params=["itself", "mounted"])
def either(request, config):
    """The API's own application, or another application that the API is mounted in."""
    if request.param == "itself":
        app = churn_api.create_app(config)
    else:
        app = flask.Flask("team")
        churn_api.init_app(app, config=config)
    yield app
    churn_api.close(app)


def test_predicts_what_is_live(either):
    """A predictor uses the live version, and a new one as soon as it is live; or a pinned version."""
    live, pinned = churn_api.predictor(either, "small"), churn_api.predictor(either, "small", version=2)
    assert live.predict(CUSTOMER).version == "2"
    churn_api.make_live(either, "small", 1)
    assert live.predict(CUSTOMER).version == live.card.version == "1"
    assert pinned.predict(CUSTOMER).version == pinned.predict_many([CUSTOMER])[0].version == "2"


def test_default_model(app):
    """Without a name a predictor uses the default model."""
    prediction = churn_api.predictor(app).predict({"age": 35, "tenure": 24, "monthly_charges": 65.50})
    assert (prediction.model, prediction.version) == ("default", "1")


def test_same_as_by_http(app):
    """The same record gets the same double from Python and by HTTP."""
    answer = app.test_client().post("/api/v1/predict/small", json=CUSTOMER).json
    prediction = churn_api.predictor(app, "small").predict(CUSTOMER)
    assert (prediction.probability, prediction.band, prediction.threshold) == (
        answer["churn_probability"],
        answer["risk_band"],
        answer["threshold"],
    )


def test_follows_other_processes(app, config):
    """A version that another process makes live is used soon, without a request."""
    predictor = churn_api.predictor(app, "small")
    assert predictor.predict(CUSTOMER).version == "2"
    elsewhere = Services(load_settings(config))
    elsewhere.management.make_live("small", "1", by="test")
    elsewhere.database.close()
    until(lambda: predictor.predict(CUSTOMER).version == "1")


def test_counted(app):
    """Predictions from Python are counted in the metrics like all others; tables without rows change nothing."""
    predictor = churn_api.predictor(app, "small")
    for _ in range(3):
        predictor.predict(CUSTOMER)
    predictor.predict_many([CUSTOMER] * 4)
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = services_of(app).keys.create("ops", ["ops"], by="test").text
    until(lambda: client.get("/api/v1/metrics").status_code == 200)
    lines = client.get("/api/v1/metrics").text.splitlines()
    counted = [line for line in lines if line.startswith('model_predictions_total{model="small"')]
    assert sum(float(line.split()[-1]) for line in counted) == 7


def test_unknown(app):
    """An unknown model or version is rejected when the predictor is created, with the most similar name."""
    with pytest.raises(churn_api.UnknownModel, match=r"no model 'smal' is live\. Did you mean 'small'"):
        churn_api.predictor(app, "smal")
    with pytest.raises(churn_api.UnknownVersion, match="no version '9'"):
        churn_api.predictor(app, "small", version=9)
    with pytest.raises(churn_api.UnknownVersion, match="no version '9'"):
        churn_api.make_live(app, "small", "9")
    for wrong in ("nobody", "../small"):
        with pytest.raises((churn_api.UnknownVersion, churn_api.BundleError)):
            churn_api.make_live(app, wrong, 1)


def test_live_later(models_dir):
    """A model without a live version has a predictor, which raises an error until a version is live."""
    config = {"MODELS_DIR": str(models_dir), "DATABASE_URL": MEMORY, "TESTING": True}
    app = churn_api.create_app(config)
    predictor = churn_api.predictor(app, "small")
    assert "small" in repr(predictor)
    with pytest.raises(churn_api.UnknownModel, match="no model 'small' is live"):
        predictor.predict(CUSTOMER)
    churn_api.make_live(app, "small", 2)
    assert predictor.predict(CUSTOMER).version == "2"
    churn_api.close(app)


def test_registered_later(models_dir, tmp_path):
    """A predictor finds a version that was registered after the application was created."""
    elsewhere = tmp_path / "models"
    shutil.copytree(models_dir, elsewhere)
    config = {"MODELS_DIR": str(elsewhere), "DATABASE_URL": f"sqlite:///{tmp_path / 'churn.db'}"}
    churn_api.upgrade(config)
    app = churn_api.create_app(config)
    shutil.copytree(elsewhere / "small", elsewhere / "newer", ignore=lambda *_: ["2"])
    (elsewhere / "newer" / "1" / "card.json").write_bytes(
        (elsewhere / "newer" / "1" / "card.json").read_bytes().replace(b'"name": "small"', b'"name": "newer"')
    )
    with pytest.raises(churn_api.UnknownModel):
        churn_api.predictor(app, "newer")
    services = Services(load_settings(config))
    services.management.make_bundle_live("newer", "1", by="test")
    services.database.close()
    assert churn_api.predictor(app, "newer").predict(CUSTOMER).model == "newer"
    churn_api.close(app)


def test_damaged(models_dir, tmp_path):
    """A version that may not serve is not made live: the error has the reason, and the live version does not change."""
    folder = tmp_path / "models" / "small" / "1"
    folder.mkdir(parents=True)
    for file in (models_dir / "small" / "1").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    app = churn_api.create_app(
        {"MODELS_DIR": str(tmp_path / "models"), "DATABASE_URL": MEMORY, "DEFAULT_MODEL": "small"}
    )
    churn_api.make_live(app, "small", 1)
    (folder / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(churn_api.BundleError, match="not the file that was packaged"):
        churn_api.make_live(app, "small", 1)
    assert churn_api.predictor(app, "small").predict(CUSTOMER).version == "1"
    churn_api.close(app)


def test_acts_are_in_the_audit(app):
    """The audit records who made a version live from Python."""
    churn_api.make_live(app, "small", 1)
    latest = audit.latest_entries(services_of(app).database, 1)[0]
    assert (latest.action, latest.subject) == ("models.live", "small")
    assert latest.actor.startswith("python (")


def test_which_application(config):
    """An application without the API, or with several, is rejected with what to do."""
    team = flask.Flask("team")
    for ask in (churn_api.predictor, churn_api.close):
        with pytest.raises(ValueError, match=r"churn_api.init_app\(app\) first"):
            ask(team)
    one = churn_api.init_app(team, "/one", config)
    churn_api.init_app(team, "/two", config)
    with pytest.raises(ValueError, match="pass on what init_app returned"):
        churn_api.predictor(team, "small")
    assert churn_api.predictor(one, "small").predict(CUSTOMER).version == "2"
    churn_api.close(team)


@pytest.mark.parametrize("database", ["sqlite", "postgres", "memory"])
def test_upgrade(request, database, instance, models_dir):
    """`upgrade` creates an application's tables in every kind of database, and may be called again."""
    url = {"sqlite": f"sqlite:///{instance / 'new.db'}", "memory": MEMORY}.get(database)
    config = {
        "DATABASE_URL": url or request.getfixturevalue("postgres_database"),
        "MODELS_DIR": str(models_dir),
        "TESTING": True,
    }
    if database != "memory":
        with pytest.raises(churn_api.StartError, match="no tables yet"):
            churn_api.create_app(config)
    churn_api.upgrade(config)
    churn_api.upgrade(config)
    app = churn_api.create_app(config)
    churn_api.make_live(app, "small", 1)
    assert churn_api.predictor(app, "small").predict(CUSTOMER).version == "1"
    churn_api.close(app)


def test_upgrades_that_cannot_be(instance, tmp_path):
    """A database that is unreachable, newer than this program or not a database raises a StartError that names it."""
    database = Database(f"sqlite:///{instance / 'churn.db'}")
    with database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(churn_api.StartError, match="9999, which is newer"):
        churn_api.upgrade()
    for url, message in (("postgresql://127.0.0.1:1/none", "is away"), (f"sqlite:///{tmp_path}", "it is a folder")):
        with pytest.raises(churn_api.StartError, match=message):
            churn_api.upgrade({"DATABASE_URL": url})


def test_in_memory(models_dir):
    """A database in memory is shared by all threads of its application, and by no other application."""
    config = {"MODELS_DIR": str(models_dir), "DATABASE_URL": MEMORY}
    app, other = churn_api.create_app(config), churn_api.create_app(config)
    churn_api.make_live(app, "small", 1)
    key = services_of(app).keys.create("tests", SCOPES, by="test").text

    def ask(number):
        client = app.test_client()
        client.environ_base["HTTP_X_API_KEY"] = key
        live = (
            client.put("/api/v1/models/small/live", json={"version": str(1 + number % 2)}) if number % 4 == 0 else None
        )
        answers = [live, client.post("/api/v1/predict/small", json=CUSTOMER), client.get("/api/v1/status")]
        return {answer.status_code for answer in answers if answer}

    with ThreadPoolExecutor(8) as pool:
        assert set.union(*pool.map(ask, range(40))) == {200}
    report = app.test_client().get("/health").json
    assert report["checks"]["database"]["status"] == "healthy"
    with pytest.raises(churn_api.UnknownModel):
        churn_api.predictor(other, "small").predict(CUSTOMER)
    churn_api.close(app)
    churn_api.close(other)


def open_now():
    """The open files and sockets of this process, by target, and its threads."""
    gc.collect()
    leads = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the descriptor of this listing
            leads.append(str(descriptor.readlink()))
    return sorted(leads), {thread.name for thread in threading.enumerate()}


COUNTERS = {
    "file": {},
    "redis": {"REDIS_URL": ""},
    "broken": {"RATELIMIT_STORAGE_URI": "redis://127.0.0.1:1/0"},
    "memory": {"RATELIMIT_STORAGE_URI": "memory://"},
}


@pytest.mark.parametrize("counters", COUNTERS)
@pytest.mark.parametrize("mounted", [False, True], ids=["itself", "mounted"])
@pytest.mark.parametrize("database", ["sqlite", "postgres", "memory"])
def test_nothing_stays_open(request, config, database, mounted, counters):
    """A closed application leaves no thread, connection or open file."""
    config |= COUNTERS[counters] | {"RATELIMIT_ENABLED": True}
    if counters == "redis":
        config["REDIS_URL"] = request.getfixturevalue("redis_url")
    if database != "sqlite":
        config["DATABASE_URL"] = request.getfixturevalue("postgres_database") if database == "postgres" else MEMORY
        churn_api.upgrade(config)
    serve_once(config, mounted)  # libraries load and keep some things once
    until(lambda: not any(isinstance(thread, threading.Timer) for thread in threading.enumerate()))
    before = open_now()
    serve_once(config, mounted)
    until(lambda: open_now() == before)  # a timer of `limits` for counters in memory ends a moment later


def serve_once(config, mounted):
    app = flask.Flask("team") if mounted else churn_api.create_app(config)
    if mounted:
        churn_api.init_app(app, "/churn", config)
    prefix = "/churn" if mounted else ""
    churn_api.make_live(app, "small", 1)
    with ThreadPoolExecutor(4) as pool:
        statuses = pool.map(
            lambda _: app.test_client().post(f"{prefix}/api/v1/predict/small", json=CUSTOMER).status_code, range(12)
        )
        assert set(statuses) == {200}
    assert "watcher" in {thread.name for thread in threading.enumerate()}
    churn_api.close(app)
    churn_api.close(app)


def test_spans(config):
    """The thread that sends spans ends with its application."""
    pytest.importorskip("opentelemetry.sdk")
    app = churn_api.create_app(config | {"OTLP_ENDPOINT": "http://127.0.0.1:1"})
    before = threading.active_count()
    assert app.test_client().post("/api/v1/predict/small", json=CUSTOMER).status_code == 200
    assert threading.active_count() > before
    churn_api.close(app)
    assert threading.active_count() == before


def test_no_connection_of_postgres(config, postgres_database):
    """The database server has no connection of a closed application."""
    config["DATABASE_URL"] = postgres_database
    churn_api.upgrade(config)
    server = create_engine(Database(postgres_database).url)
    query = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid != pg_backend_pid()")

    def connections():
        with server.connect() as connection:
            return connection.execute(query).scalar()

    app = churn_api.create_app(config)
    churn_api.make_live(app, "small", 1)
    churn_api.predictor(app, "small").predict(CUSTOMER)
    until(lambda: connections() > 0)
    churn_api.close(app)
    until(lambda: connections() == 0)
    server.dispose()


def test_closed(config):
    """A closed application rejects predictions and requests, and is no longer listed as a worker."""
    app = churn_api.create_app(config)
    predictor = churn_api.predictor(app, "small")
    predictor.predict(CUSTOMER)
    others = Services(load_settings(config))
    until(lambda: workers_of(others.database) == 1)
    churn_api.close(app)
    churn_api.close(app)
    assert workers_of(others.database) == 0
    others.database.close()
    with pytest.raises(RuntimeError, match="closed"):
        predictor.predict(CUSTOMER)
    assert app.test_client().post("/api/v1/predict/small", json=CUSTOMER).status_code == 500


def workers_of(database):
    with database.reading() as connection:
        return connection.execute(text("SELECT count(*) FROM workers")).scalar()


FORKED = """
import os, sys, threading
import churn_api

app = churn_api.create_app({"MODELS_DIR": sys.argv[1], **({"DATABASE_URL": sys.argv[2]} if sys.argv[2:] else {})})
if sys.argv[2:]:
    churn_api.make_live(app, "small", 2)
predictor = churn_api.predictor(app, "small")
record = {"tenure": 5, "Contract": "One year", "Partner": True}
assert threading.active_count() == 1, "a thread before the fork"
children = []
for _ in range(3):
    child = os.fork()
    if not child:
        prediction = predictor.predict(record)
        followed = threading.active_count() == 2
        churn_api.close(app)
        os._exit(0 if prediction.version == "2" and followed and threading.active_count() == 1 else 1)
    children.append(child)
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 3
assert predictor.predict(record).version == "2"
churn_api.close(app)
print(threading.active_count())
"""


@pytest.mark.parametrize("database", [[], [MEMORY]], ids=["file", "memory"])
def test_forked(models_dir, database):
    """A predictor created before a fork predicts in each child, which follows and closes independently."""
    command = [sys.executable, "-c", FORKED, str(models_dir), *database]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
