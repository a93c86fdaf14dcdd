"""Backups that are restored: the lines of docs/operations.md, run as they stand."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet
import pytest
from conftest import ROOT
from log_frames import block

from churn_api.config import load_settings
from churn_api.monitoring.erasures import erase
from churn_api.services import Services
from churn_api.store.schema import upgrade


def lines(first):
    """The block of the document that begins so."""
    text = (ROOT / "docs/operations.md").read_text()
    (result,) = [block for block in re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S) if block.startswith(first)]
    return result


def run(script, folder):
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/sh", "-ec", script], cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def names():
    services = Services(load_settings())
    try:
        return {key.name for key in services.keys.all()}
    finally:
        services.database.close()


def test_sqlite(tmp_path, monkeypatch, empty_database, make_key, serve, models_dir):
    """What was there at the moment of the backup is there after the restore, and nothing else; a server runs on."""
    instance = tmp_path / "instance"
    instance.mkdir()
    shutil.copy(empty_database, instance / "churn.db")
    (instance / "key_pepper").write_text("x")
    (instance / "jwt_secret").write_text("x")
    (instance / "log_secret").write_text("x")
    monkeypatch.setenv("CHURN_INSTANCE_DIR", str(instance))
    with serve(models_dir):
        make_key("predict", name="before")
        run(lines("churn-api db backup"), tmp_path)
        make_key("predict", name="after")
    assert names() == {"before", "after"}
    run(lines("rm -f instance"), tmp_path)
    assert names() == {"before"}


@pytest.mark.skipif(shutil.which("pg_dump") is None, reason="there is no pg_dump here")
def test_postgres(tmp_path, monkeypatch, postgres_database, make_key):
    """The same of a database on a server."""
    monkeypatch.setenv("DATABASE_URL", postgres_database.replace("+psycopg", ""))
    services = Services(load_settings())
    upgrade(services.database)
    services.database.close()
    make_key("predict", name="before")
    dump, restore = lines("pg_dump").split("\n", 1)
    run(dump, tmp_path)
    make_key("predict", name="after")
    assert names() == {"before", "after"}
    run(restore, tmp_path)
    assert names() == {"before"}


def test_only_of_a_file(monkeypatch, postgres_database, tmp_path):
    """Of a database on a server the command makes no copy, and says what does."""
    monkeypatch.setenv("DATABASE_URL", postgres_database.replace("+psycopg", ""))
    command = [sys.executable, "-m", "churn_api", "db"]
    subprocess.run([*command, "upgrade"], check=True, cwd=ROOT, capture_output=True)
    done = subprocess.run([*command, "backup", tmp_path / "x.db"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "pg_dump" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_log(instance, tmp_path):
    """The log is restored from its copy; a customer who was erased since the copy was made is erased again."""
    (tmp_path / "instance").symlink_to(instance)
    services = Services(load_settings())
    services.monitoring.prediction_log.block_predicted(*block(0, ["ann", "bob"]))
    services.monitoring.prediction_log.close()
    services.monitoring.log_maintenance.run()
    run(lines("tar --create"), tmp_path)
    erase(services.database, services.monitoring.customer_keys.key("ann"), by="tests")
    shutil.rmtree(instance / "prediction-log")
    run(lines("tar --extract"), tmp_path)
    (part,) = services.monitoring.log_folder.days("small")[0].parts()
    assert pyarrow.parquet.read_table(part, columns=["row"], partitioning=None).column(0).to_pylist() == [1]
    services.database.close()
