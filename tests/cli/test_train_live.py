"""Training that makes its version live."""

from builders import customers, write_csv
from click.testing import CliRunner

from churn_api.cli import main
from churn_api.config import load_settings
from churn_api.services import Services
from churn_api.store.audit import latest_entries


def train(table, models, *options):
    words = ["train", str(table), "--target", "Churn", "--estimator", "logistic", *options]
    return CliRunner().invoke(main, words, env={"CHURN_MODELS_DIR": str(models)})


def test_live_where_it_is_asked_for(small_table, tmp_path):
    """`train` only names the command that makes its version live; `train --live` makes it live and is audited."""
    first = train(small_table, tmp_path / "models")
    assert "Make it live: `churn-api models live default 1`" in first.stderr
    services = Services(load_settings())
    assert services.catalog.read() == {}
    second = train(small_table, tmp_path / "models", "--live")
    assert second.exit_code == 0
    assert services.catalog.read()["default"].live == "2"
    acted = [(act.action, act.subject, act.actor.split()[0]) for act in latest_entries(services.database, 10)]
    assert acted == [("models.live", "default", "command"), ("models.register", "default/2", "command")]


def test_without_a_database(tmp_path, instance):
    """`train --live` refuses before the training where the database cannot be used, and writes nothing."""
    (instance / "churn.db").unlink()
    table = write_csv(customers(), tmp_path / "customers.csv")
    refused = train(table, tmp_path / "models", "--live")
    assert (refused.exit_code, (tmp_path / "models").exists()) == (2, False)
    assert "run `churn-api db upgrade`" in refused.stderr
