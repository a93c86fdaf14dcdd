"""SIGHUP with an invalid configuration: the server continues with the old one, and logs it."""

import signal

import requests
from builders import CUSTOMER
from conftest import GUNICORN, ROOT
from scrapes import until
from sqlalchemy import text

from churn_api.config import load_settings
from churn_api.services import Services

BROKEN = ("this is no Python\n", "workers = 'many'\n")


def answers(server):
    return requests.post(f"{server.url}/api/v1/predict/small", json=CUSTOMER, timeout=30).status_code == 200


def hang_up(server, said):
    """Send SIGHUP, and wait for what is said of it and for other workers."""
    before = server.workers()
    server.process.send_signal(signal.SIGHUP)
    until(lambda: said in server.log, seconds=60)
    until(lambda: server.workers() and not set(before) & set(server.workers()), seconds=60)
    assert server.process.poll() is None
    assert answers(server)


def test_a_broken_configuration(serve, models_dir, tmp_path):
    """A team's own configuration that is broken when it is read again changes nothing; mended, it is followed."""
    configuration = tmp_path / "own.conf.py"
    good = "from churn_api.server.gunicorn_conf import *\nfrom churn_api.server import gunicorn_conf\n"
    configuration.write_text(good)
    command = [GUNICORN, "-c", str(configuration), "churn_api.server.wsgi:app"]
    with serve(models_dir, workers=1, command=command, cwd=ROOT) as server:
        for broken in BROKEN:
            configuration.write_text(good + broken)
            hang_up(server, "the configuration cannot be read; the server continues with the old one")
        configuration.write_text(good + "workers = 2\n")
        server.process.send_signal(signal.SIGHUP)
        until(lambda: len(server.workers()) == 2, seconds=60)
        assert answers(server)


def test_a_newer_schema(serve, models_dir):
    """A database upgraded for a newer program is reported at SIGHUP, and the server continues."""
    with serve(models_dir, workers=1) as server:
        assert answers(server)
        services = Services(load_settings())
        with services.database.transaction() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        services.database.close()
        hang_up(server, "the server continues with the old ones")
        assert "has schema 9999, which is newer than this program" in server.log
