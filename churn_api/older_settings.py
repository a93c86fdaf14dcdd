"""Settings as earlier designs name them: sections of a file, and variables without a prefix."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from churn_api.config_file import FileError


class Fixed(NamedTuple):
    """What older configurations can choose and is always the case here."""

    value: Any
    advice: str
    """What to do for another value."""


METRICS = Fixed(True, "the metrics are always at /api/v1/metrics; CHURN_METRICS_PORT decides about a port of their own")
CORS = "enable_cors"
SECTIONS: Mapping[str, Mapping[str, str | Fixed]] = {
    "api": {
        "host": "HOST",
        "port": "PORT",
        "workers": "WEB_CONCURRENCY",
        "max_request_size": "MAX_CONTENT_LENGTH",
        "timeout": Fixed(30, "set gunicorn's --timeout in GUNICORN_CMD_ARGS"),
    },
    "security": {
        "cors_origins": "CORS_ORIGINS",
        "rate_limit_enabled": "RATELIMIT_ENABLED",
        "api_key_header": Fixed("X-API-Key", "keys are read from X-API-Key or Authorization"),
        CORS: "",
    },
    "models": {
        "model_directory": "MODELS_DIR",
        "max_models": "MAX_MODELS",
        "model_timeout": "MODEL_TIMEOUT",
        "auto_load": Fixed(True, "live models are loaded at the start; CHURN_MAX_MODELS bounds how many"),
    },
    "logging": {
        "level": "LOG_LEVEL",
        "format": "LOG_FORMAT",
        "access_log": Fixed(True, "CHURN_LOG_LEVEL=warning leaves out the lines of requests that succeed"),
    },
    "monitoring": {
        "enable_metrics": METRICS,
        "metrics_endpoint": Fixed("/api/v1/metrics", METRICS.advice),
        "health_endpoint": Fixed("/api/v1/health", "probes ask /health/live and /health/ready"),
    },
}
"""By section and key, the name of a setting. A section may have settings under their own names, too."""

VARIABLES = {
    "API_HOST": "HOST",
    "API_PORT": "PORT",
    "API_WORKERS": "WEB_CONCURRENCY",
    "LOG_LEVEL": "LOG_LEVEL",
    "MODEL_DIRECTORY": "MODELS_DIR",
}
"""The names of settings by environment variable."""
FLAGS = {"ENABLE_METRICS": "METRICS_PORT", "CORS_ENABLED": "CORS_ORIGINS"}
"""Variables that are true or false, and the names of the settings that decide here."""
_IN_LOWER_CASE = ("LOG_LEVEL", "LOG_FORMAT")


class FlatFile(NamedTuple):
    """A file's settings by name, where each is in the file, and what of it has no effect."""

    settings: dict[str, Any]
    places: dict[str, str]
    remarks: list[str]


def flatten(content: Mapping[str, Any]) -> FlatFile:
    """The settings of a file with or without sections. Raises FileError."""
    flat = FlatFile({}, {}, [])
    for name, value in content.items():
        if isinstance(value, Mapping):
            _add_section(flat, name, value)
        else:
            _add(flat, name.upper(), name, value)
    return flat


def in_our_words(name: str, value: Any) -> Any:
    """A value as the setting has it: older configurations write levels in capitals."""
    return value.lower() if name in _IN_LOWER_CASE and isinstance(value, str) else value


def flag_remarks(flags: Mapping[str, bool], origins: bool) -> list[str]:
    """Remarks on flags that say something else than the settings; `origins` is whether CORS has any."""
    remarks = [f"ENABLE_METRICS: {METRICS.advice}"] if flags.get("ENABLE_METRICS") is False else []
    if flags.get("CORS_ENABLED", origins) != origins:
        remarks.append("CORS_ENABLED: CHURN_CORS_ORIGINS decides, which lists the origins whose pages may call")
    return remarks


def _add_section(flat: FlatFile, section: str, values: Mapping[str, Any]) -> None:
    if section not in SECTIONS:
        raise FileError(f"{section} is not a section: these are {', '.join(SECTIONS)}")
    for key, value in values.items():
        place, meaning = f"{section}.{key}", SECTIONS[section].get(key, key.upper())
        if isinstance(meaning, Fixed):
            flat.remarks.extend([f"{place}: {meaning.advice}"] if value != meaning.value else [])
        elif meaning:
            _add(flat, meaning, place, value)
    _apply_cors(flat, values.get(CORS))


def _apply_cors(flat: FlatFile, enabled: Any) -> None:
    """`enable_cors` off leaves no origin; on, it needs some."""
    if enabled is False:
        flat.settings.pop("CORS_ORIGINS", None)
    elif enabled and not flat.settings.get("CORS_ORIGINS"):
        flat.remarks.append(f"security.{CORS}: list the origins whose pages may call in cors_origins")


def _add(flat: FlatFile, name: str, place: str, value: Any) -> None:
    if name in flat.settings:
        raise FileError(f"{place} and {flat.places[name]} are the same setting")
    flat.settings[name], flat.places[name] = in_our_words(name, value), place
