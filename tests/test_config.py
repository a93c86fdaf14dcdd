import pytest

from churn_api.app import create_app
from churn_api.config import SETTINGS, ConfigError, load_settings


def test_defaults(monkeypatch):
    """Without an environment every setting has its default."""
    for setting in SETTINGS:
        monkeypatch.delenv(setting.variable, raising=False)
    assert load_settings() == {setting.name: setting.default for setting in SETTINGS}


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


def test_misspelt_variable(monkeypatch):
    """A CHURN_ variable that is no setting is refused with the one that was probably meant."""
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
