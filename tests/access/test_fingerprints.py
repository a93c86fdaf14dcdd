"""Secrets that differ from the other machines', or are lost, are reported before they invalidate keys."""

import logging

import pytest
from click.testing import CliRunner

from churn_api.access.secret_fingerprints import OtherSecret
from churn_api.app import create_app
from churn_api.cli import main
from churn_api.config import load_settings
from churn_api.services import Services
from churn_api.store.audit import latest_entries
from churn_api.store.schema import upgrade

SECRETS = ("KEY_PEPPER", "JWT_SECRET", "LOG_SECRET")
OTHER = "another secret, of another machine, of 32 characters or more"


@pytest.fixture
def services():
    """What a machine of these settings has: `services()`."""
    made = []

    def make():
        made.append(Services(load_settings()))
        return made[-1]

    yield make
    for one in made:
        one.database.close()


@pytest.fixture(params=["sqlite", "postgres"])
def shared(request, services, monkeypatch):
    """A database of either kind that one machine has started with, and that knows two keys and one that is revoked."""
    if request.param == "postgres":
        monkeypatch.setenv("DATABASE_URL", request.getfixturevalue("postgres_database"))
    first = services()
    upgrade(first.database)
    first.check()
    for name in ("crm", "shop", "old"):
        first.keys.create(name, {"predict"}, by="test")
    first.keys.revoke("old", by="test")
    first.database.close()


def run(*words):
    return CliRunner().invoke(main, words, catch_exceptions=False)


@pytest.mark.parametrize(
    ("name", "voided"),
    [
        ("KEY_PEPPER", "2 active keys let no one in"),
        ("JWT_SECRET", "tokens that were made with it are refused"),
        ("LOG_SECRET", "without it no customer is found"),
    ],
)
def test_another_secret(shared, services, monkeypatch, name, voided):
    """A machine with a different secret does not start; the error says what it would invalidate and what to do."""
    services().check()
    monkeypatch.setenv(f"CHURN_{name}", OTHER)
    with pytest.raises(
        OtherSecret, match=f"CHURN_{name}.* is not the secret.*{voided}.*`churn-api secrets adopt {name}`"
    ):
        create_app({"TESTING": True})


def test_no_key_by_another_pepper(shared, monkeypatch):
    """A command with another pepper makes no key, which no machine would let in; it revokes keys all the same."""
    monkeypatch.setenv("CHURN_KEY_PEPPER", OTHER)
    refused = run("keys", "create", "--name", "new", "--scopes", "predict")
    assert (refused.exit_code, "2 active keys" in refused.stderr) == (2, True)
    assert run("keys", "rotate", "crm").exit_code == 2
    assert run("keys", "revoke", "crm").exit_code == 0


def test_pepper_is_rotated(shared, services, monkeypatch):
    """Adopting another pepper revokes the keys that it voids, by name; machines with it start, those before do not."""
    monkeypatch.setenv("CHURN_KEY_PEPPER", OTHER)
    assert run("secrets", "adopt", "KEY_PEPPER").exit_code == 1
    done = run("secrets", "adopt", "KEY_PEPPER", "--yes")
    assert (done.exit_code, done.stdout.splitlines()) == (0, ["revoked crm", "revoked shop"])
    again = services()
    again.check()
    assert all(row.revoked_at for row in again.keys.all())
    act = latest_entries(again.database, 1)[0]
    assert (act.action, act.subject, act.actor.split()[0]) == ("secrets.adopt", "KEY_PEPPER", "command")


def test_token_secret_is_rotated(shared, services, monkeypatch):
    """Adopting another token secret leaves the keys; adopting the one that is known changes nothing."""
    monkeypatch.setenv("CHURN_JWT_SECRET", OTHER)
    done = run("secrets", "adopt", "JWT_SECRET", "--yes")
    assert (done.exit_code, done.stdout) == (0, "")
    again = services()
    again.check()
    before = len(latest_entries(again.database, 100))
    assert run("secrets", "adopt", "JWT_SECRET", "--yes").exit_code == 0
    assert len(latest_entries(again.database, 100)) == before


@pytest.mark.parametrize("name", SECRETS)
def test_lost_secret(monkeypatch, instance, services, name):
    """A lost secret file is not silently replaced: the start fails, and says what the loss invalidates."""
    for secret in SECRETS:
        monkeypatch.delenv(f"CHURN_{secret}")
    services().check()
    services().keys.create("crm", {"predict"}, by="test")
    (instance / name.lower()).unlink()
    with pytest.raises(OtherSecret, match=f"{name.lower()}.* is lost.*secrets adopt {name}"):
        services().check()
    assert not (instance / name.lower()).exists()
    assert run("secrets", "adopt", name, "--yes").exit_code == 0
    services().check()


def test_lost_before_it_was_known(monkeypatch, instance, services):
    """With a database of an older release, which has keys but no fingerprints, a lost pepper is reported too."""
    monkeypatch.delenv("CHURN_KEY_PEPPER")
    before = services()
    before.keys.create("crm", {"predict"}, by="test")
    with before.database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM secrets")
    (instance / "key_pepper").unlink()
    with pytest.raises(OtherSecret, match=r"key_pepper is lost.*\(1 active key lets no one in"):
        services().check()


def test_the_database_has_no_secret(shared, services):
    """What the database has of a secret is nothing that could be used in its place."""
    settings = load_settings()
    with services().database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT name, fingerprint FROM secrets ORDER BY name").all()
    assert [row.name for row in rows] == sorted(SECRETS)
    assert all(len(row.fingerprint) == 64 and settings[row.name] not in row.fingerprint for row in rows)
    assert len({row.fingerprint for row in rows}) == len(SECRETS)


def test_revoked_keys_are_logged(services, caplog):
    """A process that follows logs the names of keys that were revoked since it last looked, once, and no key."""
    here = services()
    text = here.keys.create("gone", {"predict"}, by="test").text
    here.key_cache.refresh()
    here.keys.revoke("gone", by="test")
    with caplog.at_level(logging.INFO):
        here.key_cache.refresh()
        here.key_cache.refresh()
    assert caplog.text.count("keys revoked: gone") == 1
    assert text not in caplog.text
