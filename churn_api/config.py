"""Every setting, its default and its check. The only reader of the environment.

Here and in Flask's config, settings have no prefix; in the environment they are `CHURN_<NAME>`, except for a few that
platforms set under their own name.
"""

import os
import re
import sys
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from dotenv import dotenv_values
from environs import Env, EnvError, EnvValidationError, ValidationError, validate

from churn_api.config_file import FileError, check_type, read_settings
from churn_api.contract.faults import closest_match, did_you_mean
from churn_api.contract.numerals import is_numeral
from churn_api.contract.unicode_text import is_unicode
from churn_api.older_settings import FLAGS, VARIABLES, FlatFile, flag_remarks, flatten, in_our_words
from churn_api.setting_checks import (
    PROTOCOLS,
    check_bucket_urls,
    check_hosts,
    check_networks,
    check_optional_contact,
    check_optional_rate,
    check_optional_route,
    check_optional_url,
    check_origins,
    check_protocols,
    check_rate,
    check_secret,
    optional_url_check,
)
from churn_api.store_urls import IN_MEMORY, check_cache, check_counters_url, check_database_url, check_redis_url

PREFIX = "CHURN_"
REQUIRED, OPEN = "required", "open"

LOCAL, DASK = "local", "dask"
AUTO, JSON, TEXT = "auto", "json", "text"
LOG_LEVELS = ("debug", "info", "warning", "error")
GIB = 1 << 30
MAX_KEEP_DAYS = 36_500
"""A hundred years. Much larger values overflow when the date is computed."""
_RELATIVE_SQLITE = re.compile(r"(sqlite(?:\+\w+)?:///)(?!/|:memory:|file:)(.+)")
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # nosec B108 - a private folder is created in it


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


@dataclass(frozen=True)
class Setting:
    """One setting. `kind` is the name of its environs parser."""

    name: str
    kind: str
    default: Any
    help: str
    check: Any = None
    prefixed: bool = True
    secret: bool = False
    """Never shown. May also be read from a file whose path is in `<variable>_FILE`."""
    is_path: bool = False
    """A path; relative ones are resolved against the working directory."""

    @property
    def variable(self) -> str:
        """The name of the environment variable."""
        return PREFIX + self.name if self.prefixed else self.name

    @property
    def file_variable(self) -> str:
        """The name of the variable with the path of a file that has the value."""
        return f"{self.variable}_FILE"


SETTINGS = (
    Setting(
        "HOST",
        "str",
        "127.0.0.1",
        "Address that gunicorn listens on, or `unix:` and the path of a socket.",
        prefixed=False,
    ),
    Setting("PORT", "int", 8000, "Port that gunicorn listens on.", validate.Range(0, 65535), prefixed=False),
    Setting("WEB_CONCURRENCY", "int", 2, "Worker processes.", validate.Range(1, 1024), prefixed=False),
    Setting(
        "DRAIN_SECONDS",
        "int",
        0,
        "Seconds that a server keeps serving after SIGTERM, while `/health/ready` is already 503.",
        validate.Range(0, 600),
    ),
    Setting(
        "CONFIG_FILE",
        "str",
        "",
        "File of settings, TOML or (`.yaml`) YAML, with names in lower case. The environment takes precedence.",
        is_path=True,
    ),
    Setting(
        "ENV_FILE",
        "str",
        "",
        "File of environment variables, such as `.env`, that is read first. The environment takes precedence.",
        is_path=True,
    ),
    Setting(
        "INSTANCE_DIR",
        "str",
        "",
        "Folder of this machine's state: SQLite, secrets, counters. Empty: `instance` in the checkout; of an installed "
        "package, `var/churn_api-instance` below `sys.prefix`.",
        is_path=True,
    ),
    Setting(
        "DATABASE_URL",
        "str",
        "",
        "Database, `sqlite:///…` or `postgresql://…`. Empty: SQLite in the instance folder.",
        optional_url_check(check_database_url),
        prefixed=False,
        secret=True,
    ),
    Setting(
        "MODELS_DIR",
        "str",
        "",
        "Folder of the bundles. Empty: `models` in the checkout; of an installed package, "
        "`var/churn_api-instance/models` below `sys.prefix`.",
        is_path=True,
    ),
    Setting("DEFAULT_MODEL", "str", "default", "Model for requests that name none."),
    Setting(
        "MAX_MODELS",
        "int",
        32,
        "Models that a worker keeps in memory; pinned versions are evicted first.",
        validate.Range(1),
    ),
    Setting(
        "MODEL_TIMEOUT",
        "int",
        0,
        "Seconds that scoring a request may take. 0: no limit, and 10 s for a tensor model.",
        validate.Range(0, 3600),
    ),
    Setting(
        "MAX_MODEL_BYTES",
        "int",
        0,
        "Memory in bytes that loading a new model and scoring with it may take. 0: 256 MiB (a pipeline: 2 GiB), and "
        "eight times the size of its files.",
        validate.Range(0),
    ),
    Setting("MAX_BATCH_ROWS", "int", 1000, "Maximum number of customers in one batch.", validate.Range(1)),
    Setting(
        "MAX_CONTENT_LENGTH", "int", 10 * 1024 * 1024, "Maximum size of a request body in bytes.", validate.Range(1)
    ),
    Setting(
        "MAX_BUNDLE_BYTES",
        "int",
        100 * 1024 * 1024,
        "Maximum size of an uploaded bundle in bytes, decompressed.",
        validate.Range(1),
    ),
    Setting(
        "AUTH",
        "str",
        REQUIRED,
        "`required`: every caller needs a key or a token. `open`, for a developer's machine: predictions, jobs "
        "and reading models need none.",
        validate.OneOf([REQUIRED, OPEN]),
    ),
    Setting("ALLOW_OPEN", "bool", False, "Lets `AUTH=open` listen on addresses other than loopback."),
    Setting("KEY_PEPPER", "str", "", "Secret of the keys' hashes, 32 characters or more.", check_secret, secret=True),
    Setting(
        "JWT_SECRET", "str", "", "Secret of the tokens' signatures, 32 characters or more.", check_secret, secret=True
    ),
    Setting("TOKEN_SECONDS", "int", 900, "Seconds that a token of `/api/v1/token` is valid.", validate.Range(1, 86400)),
    Setting(
        "JWKS_FILE",
        "str",
        "",
        "Public keys (JWKS) of an identity provider whose tokens are accepted too.",
        is_path=True,
    ),
    Setting("JWT_ISSUER", "str", "", "Issuer that its tokens must name."),
    Setting("JWT_AUDIENCE", "str", "churn-api", "Audience that every token must name."),
    Setting("JWT_LEEWAY", "int", 10, "Seconds by which clocks may differ.", validate.Range(0, 300)),
    Setting("RATELIMIT_ENABLED", "bool", True, "Whether rate limits apply."),
    Setting("RATELIMIT_PREDICT", "str", "100/minute", "Limit of single predictions, for each caller.", check_rate),
    Setting("RATELIMIT_BATCH", "str", "10/minute", "Limit of batches, for each caller.", check_rate),
    Setting(
        "RATELIMIT_BATCH_ROWS",
        "str",
        "",
        "Limit of batch rows, for each caller, in addition to the limit of batches.",
        check_optional_rate,
    ),
    Setting("RATELIMIT_MANAGEMENT", "str", "20/minute", "Limit of everything else, for each caller.", check_rate),
    Setting(
        "RATELIMIT_STORAGE_URI",
        "str",
        "",
        "Storage of the rate-limit counters. Empty: `REDIS_URL`, else a file in the instance folder.",
        optional_url_check(check_counters_url),
        secret=True,
    ),
    Setting(
        "REDIS_URL",
        "str",
        "",
        "Redis that many machines share.",
        optional_url_check(check_redis_url),
        prefixed=False,
        secret=True,
    ),
    Setting(
        "CACHE",
        "str",
        "",
        "Where results of single predictions are kept: `memory` of each process, or the address of a Redis. Empty: "
        "nowhere.",
        optional_url_check(check_cache),
        secret=True,
    ),
    Setting("CACHE_ENTRIES", "int", 100_000, "Results that each process keeps in memory.", validate.Range(1)),
    Setting("CACHE_SECONDS", "int", 3600, "Seconds that Redis keeps a result.", validate.Range(1)),
    Setting(
        "PROTOCOLS",
        "list",
        list(PROTOCOLS),
        "Other systems' protocols that are served, separated by commas.",
        check_protocols,
    ),
    Setting(
        "AIP_HEALTH_ROUTE",
        "str",
        "",
        "Path of Vertex AI's health checks; Vertex AI sets it.",
        check_optional_route,
        prefixed=False,
    ),
    Setting(
        "AIP_PREDICT_ROUTE",
        "str",
        "",
        "Path of Vertex AI's predictions with the default model; Vertex AI sets it.",
        check_optional_route,
        prefixed=False,
    ),
    Setting(
        "TRUSTED_PROXIES",
        "list",
        [],
        "Proxies whose `X-Forwarded-For` and `X-Forwarded-Prefix` are trusted: networks, or `unix` for clients of"
        " a Unix socket, separated by commas.",
        check_networks,
    ),
    Setting(
        "LOG_FORMAT",
        "str",
        AUTO,
        "Form of the log: `json`, `text`, or `auto` for text on a terminal and JSON elsewhere.",
        validate.OneOf([AUTO, JSON, TEXT]),
    ),
    Setting(
        "LOG_LEVEL",
        "str",
        "info",
        "Lowest level that is logged: `debug`, `info`, `warning` or `error`.",
        validate.OneOf(LOG_LEVELS),
    ),
    Setting("LOG_RECORDS", "bool", False, "Whether records that clients send are logged. They are customers' data."),
    Setting(
        "SLOW_REQUEST_MS",
        "int",
        1000,
        "Milliseconds after which the log line of a request includes its timings.",
        validate.Range(0),
    ),
    Setting(
        "OTLP_ENDPOINT",
        "str",
        "",
        "Collector that spans are sent to, as in `http://collector:4318`; needs the `otel` extra. Empty: none.",
        check_optional_url,
        secret=True,
    ),
    Setting("DATA_DIR", "str", "", "Folder below which jobs may read files by their path. Empty: none.", is_path=True),
    Setting(
        "DATA_URLS",
        "list",
        [],
        "URLs (`s3://`, `gs://`) below which jobs may read, as in `s3://bucket/folder/`, separated by commas. "
        "Empty: none.",
        check_bucket_urls,
    ),
    Setting(
        "JOBS_DIR",
        "str",
        "",
        "Folder of the jobs' files, which all processes share. Empty: `jobs` in INSTANCE_DIR.",
        is_path=True,
    ),
    Setting(
        "MAX_JOB_BYTES", "int", 10 * GIB, "Maximum size of a job's input in bytes, decompressed.", validate.Range(1)
    ),
    Setting(
        "MAX_JOB_ERRORS_BYTES",
        "int",
        10 << 20,
        "Maximum size in bytes of a job's file of faults; further faults are only counted.",
        validate.Range(0),
    ),
    Setting(
        "MAX_JOB_GROWTH",
        "int",
        200,
        "Maximum bytes of a job's result for each byte of its input as sent; 10 MiB are always allowed.",
        validate.Range(1),
    ),
    Setting(
        "MAX_JOB_SECONDS",
        "int",
        600,
        "Maximum seconds of work for each 10 MiB of a job's input; smaller inputs get as much.",
        validate.Range(1),
    ),
    Setting("MAX_QUEUED_JOBS", "int", 1000, "Maximum number of unfinished jobs of one key.", validate.Range(1)),
    Setting(
        "MAX_QUEUED_BYTES",
        "int",
        20 * GIB,
        "Maximum total size in bytes of the inputs of those jobs.",
        validate.Range(1),
    ),
    Setting("JOB_WORKER", "bool", False, "Whether gunicorn starts a job worker in addition to its own workers."),
    Setting("JOB_ENGINE", "str", LOCAL, "Where jobs are computed.", validate.OneOf([LOCAL, DASK])),
    Setting("DASK_SCHEDULER", "str", "", "Scheduler of a Dask cluster, as in `tcp://scheduler:8786`."),
    Setting("JOB_PROCESSES", "int", 0, "Processes that a job worker uses; 0 for one per core.", validate.Range(0)),
    Setting(
        "JOB_LEASE_SECONDS",
        "int",
        30,
        "Seconds without a heartbeat after which a worker is considered dead.",
        validate.Range(1, 86_400),
    ),
    Setting(
        "JOB_MAX_ATTEMPTS", "int", 5, "Workers that may die during one block before the job fails.", validate.Range(1)
    ),
    Setting(
        "JOB_KEEP_DAYS",
        "int",
        7,
        "Days that finished jobs and their results are kept.",
        validate.Range(0, MAX_KEEP_DAYS),
    ),
    Setting(
        "LOG_DAYS",
        "int",
        400,
        "Days that counts of predictions, which are compared with the training rows, are kept.",
        validate.Range(1, MAX_KEEP_DAYS),
    ),
    Setting(
        "JOB_KEEP_BYTES",
        "int",
        20 * GIB,
        "Total size in bytes above which the oldest of them are removed earlier.",
        validate.Range(0),
    ),
    Setting("COMPAT_ROUTES", "bool", True, "Whether the older addresses answer, and older forms of bodies."),
    Setting("METRICS_PORT", "int", 0, "Port that serves the metrics to anyone; 0 for none.", validate.Range(0, 65535)),
    Setting("METRICS_HOST", "str", "127.0.0.1", "Address that it listens on."),
    Setting(
        "METRICS_DIR",
        "str",
        "",
        "Folder of the metric files. Empty: below `/dev/shm` (memory), else `metrics` in INSTANCE_DIR.",
        is_path=True,
    ),
    Setting(
        "ALLOWED_HOSTS",
        "list",
        [],
        "Allowed names or addresses in a request's `Host`, with any port; `.example.com` allows all subdomains. "
        "Separated by commas. Empty: any.",
        check_hosts,
    ),
    Setting(
        "CONTACT",
        "str",
        "",
        "Contact on the API page: an e-mail address, or a URL that begins with https://.",
        check_optional_contact,
    ),
    Setting(
        "CORS_ORIGINS",
        "list",
        [],
        "Origins whose pages may call the API, as in `https://app.example.com` or `https://*.example.com`, "
        "separated by commas.",
        check_origins,
    ),
)


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
    settings |= _absolute_paths(settings)
    # Brackets of IPv6 addresses are URL syntax, which sockets do not accept.
    settings |= {name: settings[name].strip("[]") for name in ("HOST", "METRICS_HOST")}
    if settings["JOB_ENGINE"] == DASK and not settings["DASK_SCHEDULER"]:
        raise ConfigError(f"JOB_ENGINE=dask needs a cluster: set {PREFIX}DASK_SCHEDULER")
    return settings


def metrics_dir(settings: Mapping[str, Any]) -> Path:
    """The parent folder of metric files: in shared memory where the system has it.

    The files are memory-mapped, and the kernel kills a process that writes to a mapping on a full disk.
    """
    if settings["METRICS_DIR"]:
        return Path(settings["METRICS_DIR"])
    if os.access(SHARED_MEMORY, os.W_OK):
        return SHARED_MEMORY / f"churn-api-{os.getuid()}"
    return Path(settings["INSTANCE_DIR"]) / "metrics"


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
    return defaults | _absolute_paths(defaults)


def _absolute_paths(settings: Mapping[str, Any]) -> dict[str, str]:
    """Every path that is set or has a default, absolute."""
    defaults = state_folders(Path(__file__).parent)
    names = [setting.name for setting in SETTINGS if setting.is_path]
    paths = {name: settings[name] or defaults.get(name) for name in names}
    absolute = {name: str(Path(path).absolute()) for name, path in paths.items() if path}
    return absolute | {"DATABASE_URL": _absolute_file(settings["DATABASE_URL"])}


def _absolute_file(url: str) -> str:
    """A database URL; the path of a SQLite file is made absolute."""
    file = _RELATIVE_SQLITE.fullmatch(url)
    return f"{file[1]}{Path(file[2]).absolute()}" if file else url


def state_folders(package: Path) -> dict[str, Path]:
    """The default folders of state, derived from the package's location as Flask derives its instance folder.

    In a checkout they are next to the package; for an installed package they are below `var` in its prefix.
    https://flask.palletsprojects.com/en/stable/config/#instance-folders
    """
    parent = package.absolute().parent
    if parent.name not in ("site-packages", "dist-packages"):
        return {"INSTANCE_DIR": parent / "instance", "MODELS_DIR": parent / "models"}
    # For a user installation the prefix is not sys.prefix, but the parent of lib/python3.x/site-packages.
    prefix = Path(sys.prefix) if parent.is_relative_to(sys.prefix) else parent.parents[2]
    instance = prefix / "var" / "churn_api-instance"
    return {"INSTANCE_DIR": instance, "MODELS_DIR": instance / "models"}


def setting_remarks(settings: Mapping[str, Any]) -> list[str]:
    """What of the configuration file and of plain variables has no effect, each with the setting to use."""
    flags, bad_flags = _parsed(dict.fromkeys(FLAGS, "bool"))
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
        text = os.environ.get(variable)
        if text:
            if not is_numeral(text):
                raise ConfigError(f"{variable}: Not a valid number.")
            settings["PORT"] = int(_checked("PORT", int(float(text)), ()))
    return settings


def _from_plain_variables() -> tuple[dict[str, Any], list[str]]:
    """Settings from variables without a prefix, and a remark on each whose value is not valid.

    Other programs use these names too, so a value that is not valid here stops nothing.
    """
    by_name = {setting.name: setting for setting in SETTINGS}
    values, remarks = _parsed({variable: by_name[name].kind for variable, name in VARIABLES.items()})
    settings = {}
    for variable, value in values.items():
        setting = by_name[VARIABLES[variable]]
        try:
            settings[setting.name] = _checked(setting.name, in_our_words(setting.name, value), ())
        except ConfigError:
            remarks.append(_ignored(variable))
    return settings, remarks


def _parsed(kinds: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """The values of variables that are set, by the kind of each, and a remark on each that cannot be parsed."""
    values, remarks = {}, []
    for variable, kind in kinds.items():
        text = os.environ.get(variable)
        if not text:
            continue
        try:
            if kind == "int" and not is_numeral(text):
                raise EnvError(variable)
            values[variable] = getattr(Env(), kind)(variable)
        except EnvError:
            remarks.append(_ignored(variable))
    return values, remarks


def _ignored(variable: str) -> str:
    names = {setting.name: setting.variable for setting in SETTINGS}
    return f"{variable} is ignored, because its value is not valid: set {names[(VARIABLES | FLAGS)[variable]]}"


def _from_file() -> FlatFile:
    """The settings in the file that CONFIG_FILE names."""
    path = os.environ.get(f"{PREFIX}CONFIG_FILE")
    if not path:
        return FlatFile({}, {}, [])
    kinds = {setting.name: setting.kind for setting in SETTINGS}
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
        if name not in kinds:
            hint = did_you_mean(name.lower(), map(str.lower, kinds)) or "docs/configuration.md lists the settings."
            raise ConfigError(f"{path}: {place} is not a setting. {hint}")
        try:
            check_type(kinds[name], value)
            _checked(name, value, ())
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
                secrets[setting.name] = _checked(setting.name, Path(path).read_text().strip(), ())
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"{setting.file_variable}: {path} cannot be read") from error
    return secrets


def _overridden(name: str, value: Any, others: Container[str]) -> Any:
    """An override, checked. A database in memory is allowed: overrides, unlike the environment, are of one process."""
    return value if name == "DATABASE_URL" and value in IN_MEMORY else _checked(name, value, others)


def _checked(name: str, value: Any, others: Container[str]) -> Any:
    """A value that passed its setting's check. Raises ConfigError."""
    setting = next((setting for setting in SETTINGS if setting.name == name), None)
    if setting is None and name not in others:
        raise ConfigError(f"{name} is not a setting")
    if setting is not None:
        _require_text(name, value)
    if setting is not None and setting.check is not None:
        try:
            setting.check(value)
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
