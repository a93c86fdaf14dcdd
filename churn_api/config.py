"""Reads the settings. The only reader of the environment."""

import os
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from dotenv import dotenv_values
from environs import Env, EnvError, EnvValidationError, ValidationError

from churn_api.config_file import FileError, check_type, read_settings
from churn_api.contract.faults import closest_match, did_you_mean
from churn_api.contract.numerals import is_numeral
from churn_api.contract.unicode_text import is_unicode
from churn_api.older_settings import FLAGS, VARIABLES, FlatFile, flag_remarks, flatten, in_our_words
from churn_api.settings import BY_NAME, DASK, PREFIX, SETTINGS
from churn_api.state_paths import absolute_paths
from churn_api.store_urls import IN_MEMORY

PLATFORM_PORTS = ("AIP_HTTP_PORT", "SAGEMAKER_BIND_TO_PORT")
"""Variables in which Vertex AI and SageMaker name the port; the second takes precedence."""
SAGEMAKER_MODELS = Path("/opt/ml/model")
"""Where SageMaker unpacks a model's files."""
SAGEMAKER_PORT = 8080
METRICS_GROUP = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable with prometheus_client's folder; set for the processes of a group, not by operators."""


class StartError(Exception):
    """The program cannot start; the text says what to do."""


class ConfigError(StartError):
    """A setting is invalid; the text names it and says which values are valid."""


_PARSING = {"list": {"subcast": str.strip}}
"""Removes spaces after commas."""


def load_settings(overrides: Mapping[str, Any] | None = None, others: Container[str] = ()) -> dict[str, Any]:
    """Every setting by name. Precedence: `overrides`, the environment, the file, plain variables, the hosting
    platform, the defaults.

    Paths are absolute. `others` are additional names that `overrides` may contain. Raises ConfigError.
    """
    _read_env_file()
    _check_variable_names()
    env = Env(eager=False)
    defaults = {setting.name: setting.default for setting in SETTINGS}
    defaults |= _from_platform() | _from_plain_variables()[0] | _from_file().settings | _from_secret_files()
    settings = {
        setting.name: getattr(env, setting.kind)(
            setting.variable, defaults[setting.name], validate=setting.check, **_PARSING.get(setting.kind, {})
        )
        for setting in SETTINGS
    }
    errors = _non_ascii_numbers()
    try:
        env.seal()
    except EnvValidationError as error:
        errors |= cast("Mapping[str, list[str]]", error.error_messages)
    if errors:
        raise ConfigError("; ".join(f"{variable}: {' '.join(messages)}" for variable, messages in errors.items()))
    settings |= {name: _overridden(name, value, others) for name, value in (overrides or {}).items()}
    settings |= absolute_paths(settings)
    # Brackets of IPv6 addresses are URL syntax, which sockets do not accept.
    settings |= {name: settings[name].strip("[]") for name in ("HOST", "METRICS_HOST")}
    if settings["JOB_ENGINE"] == DASK and not settings["DASK_SCHEDULER"]:
        raise ConfigError(f"JOB_ENGINE=dask needs a cluster: set {PREFIX}DASK_SCHEDULER")
    return settings


def metrics_group() -> Path | None:
    """The folder of this process's group of metric files; None where it has no group."""
    folder = os.environ.get(METRICS_GROUP)
    return Path(folder) if folder else None


def inherited_descriptors() -> list[int]:
    """Descriptors of the sockets that a gunicorn passes to its successor, in gunicorn's own variable."""
    return [int(number) for number in os.environ["GUNICORN_FD"].split(",")]


def default_settings() -> dict[str, Any]:
    """The default of every setting."""
    defaults = {setting.name: setting.default for setting in SETTINGS}
    return defaults | absolute_paths(defaults)


def setting_remarks(settings: Mapping[str, Any]) -> list[str]:
    """What of the configuration file and of plain variables has no effect, each with the setting to use."""
    flags, bad_flags = _valid(dict.fromkeys(FLAGS, "bool"))
    of_file = [f"{os.environ[f'{PREFIX}CONFIG_FILE']}: {remark}" for remark in _from_file().remarks]
    return of_file + _from_plain_variables()[1] + bad_flags + flag_remarks(flags, bool(settings["CORS_ORIGINS"]))


def _read_env_file() -> None:
    """Set the variables of the file that ENV_FILE names, where the environment has none."""
    path = os.environ.get(f"{PREFIX}ENV_FILE")
    if not path:
        return
    try:
        with Path(path).open(encoding="utf-8") as file:
            for name, value in dotenv_values(stream=file).items():
                os.environ.setdefault(name, value or "")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{PREFIX}ENV_FILE: {path} cannot be read") from error


def _from_platform() -> dict[str, Any]:
    """Settings that SageMaker and Vertex AI give a container in their own way. Raises ConfigError."""
    settings: dict[str, Any] = {}
    if SAGEMAKER_MODELS.is_dir():
        settings = {"MODELS_DIR": str(SAGEMAKER_MODELS), "PORT": SAGEMAKER_PORT}
    for variable in PLATFORM_PORTS:
        if os.environ.get(variable):
            try:
                settings["PORT"] = _checked("PORT", _parsed(variable, "int"))
            except EnvError as error:
                raise ConfigError(f"{variable}: Not a valid number.") from error
    return settings


def _from_plain_variables() -> tuple[dict[str, Any], list[str]]:
    """Settings from variables without a prefix, and a remark on each whose value is not valid.

    Other programs use these names too, so a value that is not valid here stops nothing.
    """
    values, remarks = _valid({variable: BY_NAME[name].kind for variable, name in VARIABLES.items()})
    settings = {}
    for variable, value in values.items():
        name = VARIABLES[variable]
        try:
            settings[name] = _checked(name, in_our_words(name, value))
        except ConfigError:
            remarks.append(_ignored(variable))
    return settings, remarks


def _valid(kinds: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """The values of variables that are set, by the kind of each, and a remark on each that cannot be parsed."""
    values, remarks = {}, []
    for variable, kind in kinds.items():
        if os.environ.get(variable):
            try:
                values[variable] = _parsed(variable, kind)
            except EnvError:
                remarks.append(_ignored(variable))
    return values, remarks


def _parsed(variable: str, kind: str) -> Any:
    """The value of a variable that is set. Raises EnvError."""
    if kind == "int" and not is_numeral(os.environ[variable]):
        raise EnvError(variable)
    return getattr(Env(), kind)(variable)


def _ignored(variable: str) -> str:
    setting = BY_NAME[(VARIABLES | FLAGS)[variable]]
    return f"{variable} is ignored, because its value is not valid: set {setting.variable}"


def _from_file() -> FlatFile:
    """The settings in the file that CONFIG_FILE names."""
    path = os.environ.get(f"{PREFIX}CONFIG_FILE")
    if not path:
        return FlatFile({}, {}, [])
    try:
        content = read_settings(Path(path))
    except FileError as error:
        raise ConfigError(str(error)) from error
    try:
        flat = flatten(content)
    except FileError as error:
        raise ConfigError(f"{path}: {error}") from error
    for name, value in flat.settings.items():
        place = flat.places[name]
        if name not in BY_NAME:
            hint = did_you_mean(name.lower(), map(str.lower, BY_NAME)) or "docs/configuration.md lists the settings."
            raise ConfigError(f"{path}: {place} is not a setting. {hint}")
        try:
            check_type(BY_NAME[name].kind, value)
            _checked(name, value)
        except (FileError, ConfigError) as error:
            raise ConfigError(f"{path}: {place}: {str(error).removeprefix(f'{name}: ')}") from error
    return flat


def _from_secret_files() -> dict[str, Any]:
    """Secrets from files, as orchestrators mount them; surrounding whitespace is removed."""
    secrets = {}
    for setting in SETTINGS:
        path = os.environ.get(setting.file_variable) if setting.secret else None
        if path:
            try:
                secrets[setting.name] = _checked(setting.name, Path(path).read_text().strip())
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"{setting.file_variable}: {path} cannot be read") from error
    return secrets


def _overridden(name: str, value: Any, others: Container[str]) -> Any:
    """An override, checked. A database in memory is allowed: overrides, unlike the environment, are of one process."""
    if name not in BY_NAME and name not in others:
        raise ConfigError(f"{name} is not a setting")
    if name not in BY_NAME or (name == "DATABASE_URL" and value in IN_MEMORY):
        return value
    return _checked(name, value)


def _checked(name: str, value: Any) -> Any:
    """A value that passed its setting's check. Raises ConfigError."""
    check = BY_NAME[name].check
    _require_text(name, value)
    if check is not None:
        try:
            check(value)
        except (ValidationError, TypeError) as error:
            raise ConfigError(f"{name}: {error}") from error
    return value


def _check_variable_names() -> None:
    """Raise ConfigError where a `CHURN_` variable is not a setting, or a value is not text."""
    known = [setting.variable for setting in SETTINGS]
    known += [setting.file_variable for setting in SETTINGS if setting.secret]
    for variable in os.environ:
        if variable.startswith(PREFIX) and variable not in known:
            raise ConfigError(f"{variable} is not a setting. {_hint(variable, known)}")
    for variable in known:
        _require_text(variable, os.environ.get(variable))


def _require_text(name: str, value: Any) -> None:
    """Raise ConfigError where a value contains NUL or is not Unicode."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str) and ("\0" in one or not is_unicode(one)):
            raise ConfigError(f"{name}: Must be UTF-8 text without NUL.")


def _hint(variable: str, known: Sequence[str]) -> str:
    """A suggestion for a misspelt variable. Settings without a prefix, like PORT, are compared as if they had it."""
    by_prefixed = {PREFIX + name.removeprefix(PREFIX): name for name in known}
    match = closest_match(variable, by_prefixed)
    return "docs/configuration.md lists the settings." if match is None else f"Did you mean '{by_prefixed[match]}'?"


def _non_ascii_numbers() -> dict[str, list[str]]:
    """Errors, by variable, of numbers in other digits than 0 to 9, which Python's int() accepts."""
    numbers = [setting.variable for setting in SETTINGS if setting.kind in ("int", "float")]
    return {name: ["Not a valid number."] for name in numbers if not is_numeral(os.environ.get(name) or "0")}
