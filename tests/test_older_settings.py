"""Settings as earlier designs name them: files with sections, plain variables, a file of variables."""

import json
import os
import subprocess
import sys

import pytest
import yaml

from churn_api.config import ConfigError, load_settings, setting_remarks
from churn_api.settings import BY_NAME

SECTIONS = """
api: {host: 0.0.0.0, port: 9000, workers: 4, timeout: 30, max_request_size: 2097152}
security: {enable_cors: true, cors_origins: ["http://localhost:3000"],
           api_key_header: X-API-Key, rate_limit_enabled: false}
models: {auto_load: true, model_directory: bundles, max_models: 5, model_timeout: 300, default_model: crm}
logging: {level: WARNING, format: JSON, access_log: true}
monitoring: {enable_metrics: true, metrics_endpoint: /api/v1/metrics, health_endpoint: /api/v1/health,
             metrics_port: 9109}
max_batch_rows: 7
"""


@pytest.mark.parametrize("suffix", ["yaml", "toml"])
def test_sections(tmp_path, monkeypatch, suffix):
    """A file with sections sets what a flat one sets, in YAML and in TOML, with no remark."""
    monkeypatch.chdir(tmp_path)
    content = yaml.safe_load(SECTIONS)
    path = tmp_path / f"churn.{suffix}"
    path.write_text(SECTIONS if suffix == "yaml" else as_toml(content))
    monkeypatch.delenv("CHURN_RATELIMIT_ENABLED")
    monkeypatch.setenv("CHURN_CONFIG_FILE", str(path))
    settings = load_settings()
    assert {name: settings[name] for name in ("HOST", "PORT", "WEB_CONCURRENCY", "MAX_CONTENT_LENGTH")} == {
        "HOST": "0.0.0.0",  # noqa: S104
        "PORT": 9000,
        "WEB_CONCURRENCY": 4,
        "MAX_CONTENT_LENGTH": 2_097_152,
    }
    assert (settings["CORS_ORIGINS"], settings["RATELIMIT_ENABLED"]) == (["http://localhost:3000"], False)
    assert (settings["MODELS_DIR"], settings["MAX_MODELS"]) == (str(tmp_path / "bundles"), 5)
    assert settings["MODEL_TIMEOUT"] == 300
    assert (settings["LOG_LEVEL"], settings["LOG_FORMAT"]) == ("warning", "json")
    assert (settings["DEFAULT_MODEL"], settings["METRICS_PORT"], settings["MAX_BATCH_ROWS"]) == ("crm", 9109, 7)
    assert setting_remarks(settings) == []


def as_toml(content):
    sections = {name: value for name, value in content.items() if isinstance(value, dict)}
    lines = [f"{name} = {json.dumps(value)}" for name, value in content.items() if name not in sections]
    for name, values in sections.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("api", "timeout", 60),
        ("security", "api_key_header", "X-Token"),
        ("security", "enable_cors", True),
        ("models", "auto_load", False),
        ("logging", "access_log", False),
        ("monitoring", "enable_metrics", False),
        ("monitoring", "metrics_endpoint", "/metrics"),
        ("monitoring", "health_endpoint", "/ping"),
    ],
)
def test_what_a_section_cannot_choose(settings_file, section, key, value):
    """What has no effect is one remark that names it in the file, and stops nothing."""
    settings_file(f"[{section}]\n{key} = {json.dumps(value)}\n")
    (remark,) = setting_remarks(load_settings())
    assert f"churn.toml: {section}.{key}: " in remark


def test_cors_switched_off(settings_file):
    """`enable_cors` off leaves no origin, whatever the list says."""
    settings_file('[security]\nenable_cors = false\ncors_origins = ["http://localhost:3000"]\n')
    settings = load_settings()
    assert (settings["CORS_ORIGINS"], setting_remarks(settings)) == ([], [])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[api]\nprot = 1", r"api\.prot is not a setting. Did you mean 'port'"),
        ("[api]\nport = 70000", r"api\.port: Must be greater"),
        ('[api]\nport = "80"', r"api\.port: Must be a whole number"),
        ("[server]\nport = 1", "server is not a section: these are api, security"),
        ("port = 1\n[api]\nport = 2", r"api\.port and port are the same setting"),
    ],
)
def test_bad_sections(settings_file, text, complaint):
    """What is wrong in a section is named with its section."""
    settings_file(text)
    with pytest.raises(ConfigError, match=complaint):
        load_settings()


@pytest.mark.parametrize("text", ["a: [1", "- 1", "just text", "1: 2", "&a [*a]", "!!python/object/apply:os.getcwd []"])
def test_bad_yaml(tmp_path, monkeypatch, text):
    """A YAML file that holds no names with values stops the start with one line, and runs nothing."""
    path = tmp_path / "churn.yml"
    path.write_text(text)
    monkeypatch.setenv("CHURN_CONFIG_FILE", str(path))
    with pytest.raises(ConfigError, match=r"churn\.yml") as refused:
        load_settings()
    assert "\n" not in str(refused.value)


PLAIN = {
    "API_HOST": ("HOST", "::1", "::1"),
    "API_PORT": ("PORT", "9000", 9000),
    "API_WORKERS": ("WEB_CONCURRENCY", "4", 4),
    "LOG_LEVEL": ("LOG_LEVEL", "INFO", "info"),
    "MODEL_DIRECTORY": ("MODELS_DIR", "/srv/bundles", "/srv/bundles"),
}


@pytest.mark.parametrize("variable", PLAIN)
def test_plain_variables(monkeypatch, settings_file, variable):
    """A plain variable is used where its setting stands under no name of its own."""
    name, text, value = PLAIN[variable]
    monkeypatch.setenv(variable, text)
    assert load_settings()[name] == value
    assert setting_remarks(load_settings()) == []
    other = {"HOST": "127.0.0.2", "PORT": 1, "WEB_CONCURRENCY": 1, "LOG_LEVEL": "error", "MODELS_DIR": "/other"}[name]
    settings_file(f"{name.lower()} = {json.dumps(other)}")
    assert load_settings()[name] == other
    setting = BY_NAME[name]
    monkeypatch.setenv(setting.variable, text.lower())
    assert load_settings()[name] == value


@pytest.mark.parametrize(
    ("variable", "text", "named"),
    [
        ("API_PORT", "http", "PORT"),
        ("API_PORT", "٩٠٠٠", "PORT"),
        ("API_WORKERS", "0", "WEB_CONCURRENCY"),
        ("LOG_LEVEL", "TRACE", "CHURN_LOG_LEVEL"),
        ("ENABLE_METRICS", "false", "CHURN_METRICS_PORT"),
        ("ENABLE_METRICS", "perhaps", "CHURN_METRICS_PORT"),
        ("CORS_ENABLED", "true", "CHURN_CORS_ORIGINS"),
    ],
)
def test_plain_variables_without_effect(monkeypatch, variable, text, named):
    """A plain variable that is not valid, or says something else than the settings, is one remark."""
    before = load_settings()
    monkeypatch.setenv(variable, text)
    assert load_settings() == before
    (remark,) = setting_remarks(before)
    assert remark.startswith(variable)
    assert named in remark
    assert text not in remark.removeprefix(variable)


def test_warnings_at_the_start(serve, models_dir, tmp_path):
    """The start logs one warning for each remark, and `churn-api config` prints it."""
    path = tmp_path / "churn.yaml"
    path.write_text("api: {timeout: 60}\n")
    with serve(models_dir, workers=1, CHURN_CONFIG_FILE=str(path), LOG_LEVEL="chatty") as server:
        warnings = [line["event"] for line in server.lines if line["level"] == "warning"]
    assert [one for one in warnings if "GUNICORN_CMD_ARGS" in one or "CHURN_LOG_LEVEL" in one] == [
        f"{path}: api.timeout: set gunicorn's --timeout in GUNICORN_CMD_ARGS",
        "LOG_LEVEL is ignored, because its value is not valid: set CHURN_LOG_LEVEL",
    ]


def test_variables_in_a_file(tmp_path):
    """A file of variables is read where ENV_FILE names it, the environment wins, and a misspelt variable is refused."""
    (tmp_path / ".env").write_text("# settings\nexport PORT=9000\nAPI_HOST='::1'\nCHURN_MAX_BATCH_ROWS=7\n")
    clean = {name: value for name, value in os.environ.items() if name not in ("PORT", "CHURN_ENV_FILE")}

    def shown(**variables):
        command = [sys.executable, "-m", "churn_api", "config", "--json"]
        return subprocess.run(command, env=clean | variables, cwd=tmp_path, capture_output=True, text=True)

    asked = json.loads(shown(CHURN_ENV_FILE=".env", CHURN_MAX_BATCH_ROWS="8").stdout)
    assert (asked["PORT"], asked["HOST"], asked["CHURN_MAX_BATCH_ROWS"]) == (9000, "::1", 8)
    assert json.loads(shown().stdout)["PORT"] == 8000
    (tmp_path / ".env").write_text("CHURN_MAX_BATCH_ROW=7\n")
    assert "CHURN_MAX_BATCH_ROW is not a setting" in shown(CHURN_ENV_FILE=".env").stderr
    assert "nowhere cannot be read" in shown(CHURN_ENV_FILE="nowhere").stderr
