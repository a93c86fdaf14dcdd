import json
import os
import re
import sys

import flask
import pytest
from click.testing import CliRunner
from conftest import ROOT, SECRET

from churn_api.app import create_app
from churn_api.cli import main
from churn_api.config import ConfigError, load_settings
from churn_api.settings import SETTINGS
from churn_api.state_paths import state_folders


def test_defaults(monkeypatch):
    """Without an environment every setting has its default."""
    for setting in SETTINGS:
        monkeypatch.delenv(setting.variable, raising=False)
    state = {"INSTANCE_DIR": str(ROOT / "instance"), "MODELS_DIR": str(ROOT / "models")}
    assert load_settings() == {setting.name: setting.default for setting in SETTINGS} | state


def test_layers(monkeypatch):
    """The environment stands above the defaults, and a mapping above the environment."""
    monkeypatch.setenv("CHURN_MAX_BATCH_ROWS", "5")
    monkeypatch.setenv("PORT", "9000")
    settings = load_settings({"MAX_BATCH_ROWS": 7})
    assert (settings["MAX_BATCH_ROWS"], settings["PORT"]) == (7, 9000)


def test_all_bad_settings_are_named(monkeypatch):
    """Every variable that cannot be used is named, in one line."""
    monkeypatch.setenv("CHURN_MAX_BATCH_ROWS", "0")
    monkeypatch.setenv("PORT", "http")
    with pytest.raises(ConfigError, match=r"CHURN_MAX_BATCH_ROWS.*PORT|PORT.*CHURN_MAX_BATCH_ROWS"):
        load_settings()


@pytest.mark.parametrize("text", ["\N{ARABIC-INDIC DIGIT FOUR}", "1_0"])
def test_digits(monkeypatch, text):
    """A number is written in plain digits, though Python reads others, and is named among the other bad settings."""
    monkeypatch.setenv("WEB_CONCURRENCY", text)
    monkeypatch.setenv("PORT", "http")
    with pytest.raises(ConfigError, match=r"WEB_CONCURRENCY.*PORT|PORT.*WEB_CONCURRENCY"):
        load_settings()


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("CHURN_PROT", "PORT"),
        ("CHURN_PORT", "PORT"),
        ("CHURN_DATABASE_URI", "DATABASE_URL"),
        ("CHURN_ATUH", "CHURN_AUTH"),
    ],
)
def test_settings_without_our_prefix(monkeypatch, variable, meant):
    """A misspelt variable gets the one that was meant, be it one that has no prefix."""
    monkeypatch.setenv(variable, "1")
    with pytest.raises(ConfigError, match=rf"Did you mean '{meant}'\?"):
        load_settings()


@pytest.mark.parametrize("name", ["JOB_KEEP_DAYS", "JOB_LEASE_SECONDS"])
def test_spans_that_no_calendar_has(monkeypatch, name):
    """A length of time that would run past the calendar stops the start, not the worker that meets it later."""
    monkeypatch.setenv(f"CHURN_{name}", "100000000")
    with pytest.raises(ConfigError, match=f"CHURN_{name}"):
        load_settings()


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_bytes_that_are_no_text(monkeypatch, setting):
    """A variable that is not UTF-8 is rejected by name, for every setting."""
    for variable in [setting.variable, *([setting.file_variable] if setting.secret else [])]:
        with monkeypatch.context() as patch:
            patch.setitem(os.environb, variable.encode(), b"\xff")
            with pytest.raises(ConfigError, match=f"^{variable}: "):
                load_settings()


@pytest.mark.parametrize("text", ["a\0b", "\udcff"])
def test_texts_that_no_path_can_be(text):
    """A value that cannot be an address or a path is rejected, in a list too."""
    for name, value in {"HOST": text, "INSTANCE_DIR": text, "DATA_URLS": [text]}.items():
        with pytest.raises(ConfigError, match=f"^{name}: "):
            load_settings({name: value})


def test_misspelt_variable(monkeypatch):
    """An unknown CHURN_ variable is rejected with a suggestion."""
    monkeypatch.setenv("CHURN_MODEL_DIR", "x")
    with pytest.raises(ConfigError, match=r"CHURN_MODEL_DIR is not a setting\. Did you mean 'CHURN_MODELS_DIR'"):
        load_settings()


@pytest.mark.parametrize("config", [{"MAX_BATCH_ROWS": 0}, {"MAX_BATCH_ROWS": "many"}, {"MODELS_DRI": "x"}])
def test_mapping_is_checked_too(config):
    """An application is not made from a mapping with a bad value or a name that is no setting."""
    with pytest.raises(ConfigError):
        create_app(config)


def test_flasks_own_settings():
    """A mapping may hold Flask's own settings as well."""
    assert create_app({"TESTING": True, "MODELS_DIR": "nowhere"}).testing


def test_file(settings_file, monkeypatch):
    """A file stands between the environment and the defaults."""
    settings_file('max_batch_rows = 5\nport = 9000\nallowed_hosts = ["churn.example"]\nallow_open = true\n')
    monkeypatch.setenv("PORT", "9001")
    settings = load_settings()
    assert (settings["MAX_BATCH_ROWS"], settings["PORT"], settings["ALLOW_OPEN"]) == (5, 9001, True)
    assert settings["ALLOWED_HOSTS"] == ["churn.example"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("max_batch_rows = 0", "max_batch_rows: Must be greater"),
        ('max_batch_rows = "5"', "max_batch_rows: Must be a whole number"),
        ("allow_open = 1", "allow_open: Must be true or false"),
        ("allowed_hosts = [1]", "allowed_hosts: Must be a list of texts"),
        ("max_batch_row = 5", "max_batch_row is not a setting. Did you mean 'max_batch_rows'"),
        ("max_batch_rows 5", "is not TOML"),
    ],
)
def test_bad_file(settings_file, text, complaint):
    """What is wrong in a file stops the start with one line that names the file and the setting."""
    settings_file(text)
    with pytest.raises(ConfigError, match=complaint) as refused:
        load_settings()
    assert "churn.toml" in str(refused.value)


def test_file_that_is_not_there(monkeypatch):
    """A file that cannot be read is named."""
    monkeypatch.setenv("CHURN_CONFIG_FILE", "nowhere.toml")
    with pytest.raises(ConfigError, match=r"nowhere\.toml cannot be read"):
        load_settings()


def test_secrets_in_files(tmp_path, monkeypatch):
    """A secret may stand in a file, which `<variable>_FILE` names; the variable itself wins; nothing else may."""
    path = tmp_path / "pepper"
    path.write_text("a pepper that is long enough to be one\n")
    monkeypatch.setenv("CHURN_KEY_PEPPER_FILE", str(path))
    assert load_settings()["KEY_PEPPER"] == SECRET
    monkeypatch.delenv("CHURN_KEY_PEPPER")
    assert load_settings()["KEY_PEPPER"] == "a pepper that is long enough to be one"
    path.write_text("short")
    with pytest.raises(ConfigError, match="KEY_PEPPER: Must have 32 characters"):
        load_settings()
    monkeypatch.setenv("CHURN_KEY_PEPPER_FILE", str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match="CHURN_KEY_PEPPER_FILE"):
        load_settings()
    monkeypatch.delenv("CHURN_KEY_PEPPER_FILE")
    monkeypatch.setenv("CHURN_MODELS_DIR_FILE", str(path))
    with pytest.raises(ConfigError, match="not a setting"):
        load_settings()


LIBRARY = "lib/python3.11/site-packages"


@pytest.mark.parametrize("below", ["checkout", f"environment/{LIBRARY}", f"user/{LIBRARY}"])
def test_state_is_where_flask_keeps_it(tmp_path, monkeypatch, below):
    """By default state is where Flask has its instance folder: of a checkout, an installed and a user's package."""
    package = tmp_path / below / "elsewhere"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    monkeypatch.syspath_prepend(package.parent)
    folders = {name: str(folder) for name, folder in state_folders(package).items()}
    assert folders["INSTANCE_DIR"] == flask.Flask("elsewhere").instance_path.replace("elsewhere-", "churn_api-")
    assert folders["MODELS_DIR"].startswith(str(tmp_path / below.split("/")[0]))


def test_paths_are_absolute(tmp_path, monkeypatch, settings_file):
    """A relative path of the environment, a file or a mapping is below the working directory of the start."""
    monkeypatch.chdir(tmp_path)
    settings_file('models_dir = "bundles"\n')
    monkeypatch.setenv("CHURN_INSTANCE_DIR", "state")
    monkeypatch.setenv("DATABASE_URL", "sqlite:///one.db")
    settings = load_settings({"DATA_DIR": "tables"})
    monkeypatch.chdir("/")
    assert settings["MODELS_DIR"] == str(tmp_path / "bundles")
    assert settings["INSTANCE_DIR"] == str(tmp_path / "state")
    assert settings["DATA_DIR"] == str(tmp_path / "tables")
    assert settings["DATABASE_URL"] == f"sqlite:///{tmp_path / 'one.db'}"
    assert (settings["JOBS_DIR"], settings["JWKS_FILE"]) == ("", "")


@pytest.mark.parametrize("url", ["sqlite:////a/b.db", "postgresql://a@b/c", ""])
def test_addresses_without_a_relative_path(url):
    """An address of a database that names no relative file stays as it is."""
    assert load_settings({"DATABASE_URL": url})["DATABASE_URL"] == url


def test_config_command(monkeypatch):
    """`churn-api config` shows what is in force, and of secrets nothing."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://churn:hunter2@db.example/churn")
    monkeypatch.setenv("CHURN_MAX_BATCH_ROWS", "7")
    done = CliRunner().invoke(main, ["config", "--changed"])
    assert done.exit_code == 0
    assert re.search(r"CHURN_MAX_BATCH_ROWS +7", done.output)
    assert "postgresql://churn:********@db.example/churn" in done.output
    assert SECRET not in done.output
    assert "CHURN_JOB_KEEP_DAYS" not in done.output
    assert "CHURN_MODELS_DIR" not in done.output
    shown = json.loads(CliRunner().invoke(main, ["config", "--json"]).output)
    assert set(shown) == {setting.variable for setting in SETTINGS}
    assert shown["CHURN_MODELS_DIR"] == str(ROOT / "models")
    monkeypatch.setenv("PORT", "http")
    refused = CliRunner().invoke(main, ["config"])
    assert (refused.exit_code, "PORT" in refused.output) == (2, True)


@pytest.mark.parametrize("address", ["s3://bucket/", "gs://bucket/folder/", "s3://my.bucket-1/a/b/"])
def test_object_stores(address):
    """Jobs may read from folders of S3 and of Google's storage."""
    assert load_settings({"DATA_URLS": [address]})["DATA_URLS"] == [address]


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/",
        "hdfs://host/folder/",
        "http://127.0.0.1/",
        "viewfs:///",
        "s3://",
        "s3:///",
        "s3://bucket",
        "s3://bucket/folder",
        "s3://key:secret@bucket/",
        "s3://bucket/?endpoint_override=127.0.0.1:1/",
    ],
)
def test_no_other_stores(address):
    """Any other address, and options or passwords in one, stop the start."""
    with pytest.raises(ConfigError, match="DATA_URLS"):
        load_settings({"DATA_URLS": ["s3://bucket/", address]})
