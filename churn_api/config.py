"""Every setting, its default and its check. The only reader of the environment.

A setting is named without a prefix here and in Flask's config; in the environment it is `CHURN_<NAME>`, but for the
few that platforms set, which go by their own name.
"""

import os
import re
import sys
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any, cast

from environs import Env, EnvValidationError, ValidationError, validate
from limits import parse

from churn_api.config_file import FileError, check_type, read_settings
from churn_api.contract.faults import closest_match, did_you_mean
from churn_api.contract.numerals import is_numeral
from churn_api.contract.unicode_text import is_unicode
from churn_api.host_names import is_origin, trusted_host
from churn_api.store_urls import IN_MEMORY, UrlError, check_counters_url, check_database_url, check_redis_url

PREFIX = "CHURN_"
REQUIRED, OPEN = "required", "open"

MIN_SECRET = 32

UNIX = "unix"
LOCAL, DASK = "local", "dask"
AUTO, JSON, TEXT = "auto", "json", "text"
LOG_LEVELS = ("debug", "info", "warning", "error")
GIB = 1 << 30
MAX_KEEP_DAYS = 36_500
"""A hundred years: a date that long ago can still be computed."""
_OBJECT_STORE = re.compile(r"(?:s3|gs)://[A-Za-z0-9][A-Za-z0-9._-]*/(?:[^?#@\s]*/)?")
"""A folder of a bucket, or all of it; options and passwords have no place in an address."""
_RELATIVE_SQLITE = re.compile(r"(sqlite(?:\+\w+)?:///)(?!/|:memory:|file:)(.+)")
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # nosec B108 - a folder of one's own is made in it


METRICS_GROUP = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that prometheus_client finds its files by; set for the processes of a group, not by an operator."""


class StartError(Exception):
    """What keeps the program from starting; the text says what to do about it."""


class ConfigError(StartError):
    """A setting that cannot be used; the text names it and says what it may be."""


def _secret(text: str) -> None:
    if text and len(text) < MIN_SECRET:
        raise ValidationError(f"Must have {MIN_SECRET} characters or more.")


def _rate(text: str) -> None:
    try:
        parse(text)
    except ValueError as error:
        raise ValidationError("Must be a rate, as in 100/minute.") from error


def _optional_rate(text: str) -> None:
    if text:
        _rate(text)


def _networks(entries: list[str]) -> None:
    for entry in entries:
        try:
            if entry != UNIX:
                ip_network(entry)
        except ValueError as error:
            raise ValidationError(f"Must be networks, as in 10.0.0.0/8, or {UNIX}.") from error


def _addresses(entries: list[str]) -> None:
    if not all(_OBJECT_STORE.fullmatch(entry) for entry in entries):
        raise ValidationError("Must be addresses of s3:// or gs:// that end in /, as in s3://bucket/folder/.")


def _hosts(entries: list[str]) -> None:
    for entry in entries:
        if trusted_host(entry) is None:
            raise ValidationError(
                f"{entry!r} is no host. Must be names or addresses, as in api.example.com or 10.0.0.7, "
                "or .example.com for all names below."
            )


def _origins(entries: list[str]) -> None:
    for entry in entries:
        if not is_origin(entry):
            raise ValidationError(
                f"{entry!r} is no origin. Must be as browsers send them, https://app.example.com or "
                "http://localhost:3000, with no path, slash or default port at the end, or https://*.example.com "
                "for all names below."
            )


def _optional_address(text: str) -> None:
    if text and not text.startswith(("http://", "https://")):
        raise ValidationError("Must be an address, as in http://collector:4318.")


def _optional_contact(text: str) -> None:
    if text and not re.fullmatch(r"https?://\S+|[^\s@:]+@[^\s@:]+", text):
        raise ValidationError("Must be an e-mail address, or one that begins with https://.")


def _store(check: Callable[[str], None]) -> Callable[[str], None]:
    """The check of an address of a store, which may be left out."""

    def checked(text: str) -> None:
        try:
            if text:
                check(text)
        except UrlError as error:
            raise ValidationError(str(error)) from error

    return checked


@dataclass(frozen=True)
class Setting:
    """One setting. `kind` is the name of the environs parser that reads it."""

    name: str
    kind: str
    default: Any
    help: str
    check: Any = None
    prefixed: bool = True
    secret: bool = False
    """Not to be shown; may be read from a file, which `<variable>_FILE` names."""
    is_path: bool = False
    """A path: relative to the working directory where it is set, and absolute once it is read."""

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return PREFIX + self.name if self.prefixed else self.name

    @property
    def file_variable(self) -> str:
        """The variable that names a file which holds the value."""
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
        "How long a server that is told to stop (SIGTERM) answers on, while `/health/ready` is 503 already.",
        validate.Range(0, 600),
    ),
    Setting(
        "CONFIG_FILE",
        "str",
        "",
        "TOML file with settings by their names in small letters. The environment wins.",
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
        _store(check_database_url),
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
    Setting("DEFAULT_MODEL", "str", "default", "Model that answers where a request names none."),
    Setting(
        "MAX_MODELS",
        "int",
        32,
        "Live models that a worker holds; pinned versions go first.",
        validate.Range(1),
    ),
    Setting("MAX_BATCH_ROWS", "int", 1000, "Customers that one batch may hold.", validate.Range(1)),
    Setting("MAX_CONTENT_LENGTH", "int", 10 * 1024 * 1024, "Bytes that a request's body may have.", validate.Range(1)),
    Setting(
        "MAX_BUNDLE_BYTES",
        "int",
        100 * 1024 * 1024,
        "Bytes that an uploaded bundle may have, decompressed.",
        validate.Range(1),
    ),
    Setting(
        "AUTH",
        "str",
        REQUIRED,
        "`required`: every caller needs a key or a token. `open`, for one's own machine: predictions, jobs and reading "
        "models need none.",
        validate.OneOf([REQUIRED, OPEN]),
    ),
    Setting("ALLOW_OPEN", "bool", False, "Lets `AUTH=open` listen on addresses other than loopback."),
    Setting("KEY_PEPPER", "str", "", "Secret of the keys' hashes, 32 characters or more.", _secret, secret=True),
    Setting("JWT_SECRET", "str", "", "Secret of the tokens' signatures, 32 characters or more.", _secret, secret=True),
    Setting("TOKEN_SECONDS", "int", 900, "How long a token of `/api/v1/token` is valid.", validate.Range(1, 86400)),
    Setting(
        "JWKS_FILE", "str", "", "Public keys (JWKS) of an identity provider whose tokens are taken too.", is_path=True
    ),
    Setting("JWT_ISSUER", "str", "", "Issuer that its tokens must name."),
    Setting("JWT_AUDIENCE", "str", "churn-api", "Audience that every token must name."),
    Setting("JWT_LEEWAY", "int", 10, "Seconds by which clocks may differ.", validate.Range(0, 300)),
    Setting("RATELIMIT_ENABLED", "bool", True, "Whether calls are limited."),
    Setting("RATELIMIT_PREDICT", "str", "100/minute", "Limit of single predictions, for each caller.", _rate),
    Setting("RATELIMIT_BATCH", "str", "10/minute", "Limit of batches, for each caller.", _rate),
    Setting(
        "RATELIMIT_BATCH_ROWS",
        "str",
        "",
        "Limit of a batch's rows, for each caller, besides its calls.",
        _optional_rate,
    ),
    Setting("RATELIMIT_MANAGEMENT", "str", "20/minute", "Limit of everything else, for each caller.", _rate),
    Setting(
        "RATELIMIT_STORAGE_URI",
        "str",
        "",
        "Where calls are counted. Empty: by `REDIS_URL`, else in a file of the instance folder.",
        _store(check_counters_url),
        secret=True,
    ),
    Setting(
        "REDIS_URL", "str", "", "Redis that many machines share.", _store(check_redis_url), prefixed=False, secret=True
    ),
    Setting(
        "TRUSTED_PROXIES",
        "list",
        [],
        "Proxies whose `X-Forwarded-For` and `X-Forwarded-Prefix` are believed: networks, or `unix` for whoever comes "
        "by a socket, by commas.",
        _networks,
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
        "Least level that is logged: `debug`, `info`, `warning` or `error`.",
        validate.OneOf(LOG_LEVELS),
    ),
    Setting("LOG_RECORDS", "bool", False, "Whether what clients send to be predicted is logged: customers' data."),
    Setting("SLOW_REQUEST_MS", "int", 1000, "After how long a request's line says where time went.", validate.Range(0)),
    Setting(
        "OTLP_ENDPOINT",
        "str",
        "",
        "Collector that spans are sent to, as in `http://collector:4318`; needs the `otel` extra. Empty: none.",
        _optional_address,
        secret=True,
    ),
    Setting("DATA_DIR", "str", "", "Folder below which jobs may read files by their path. Empty: none.", is_path=True),
    Setting(
        "DATA_URLS",
        "list",
        [],
        "Addresses (`s3://`, `gs://`) below which jobs may read, as in `s3://bucket/folder/`, by commas. Empty: none.",
        _addresses,
    ),
    Setting(
        "JOBS_DIR",
        "str",
        "",
        "Folder of the jobs' files, which every process shares. Empty: in INSTANCE_DIR, `jobs`.",
        is_path=True,
    ),
    Setting("MAX_JOB_BYTES", "int", 10 * GIB, "Bytes that a job's input may have, decompressed.", validate.Range(1)),
    Setting(
        "MAX_JOB_ERRORS_BYTES",
        "int",
        10 << 20,
        "Bytes that a job's file of bad rows' faults may have; the others are counted.",
        validate.Range(0),
    ),
    Setting(
        "MAX_JOB_GROWTH",
        "int",
        200,
        "Bytes that a job's result may have for each byte of its input, as it was sent; 10 MiB are always allowed.",
        validate.Range(1),
    ),
    Setting(
        "MAX_JOB_SECONDS",
        "int",
        600,
        "Seconds that a job may be worked on for each 10 MiB of its input; a smaller one may as long.",
        validate.Range(1),
    ),
    Setting("MAX_QUEUED_JOBS", "int", 1000, "Jobs of one key that may wait or run.", validate.Range(1)),
    Setting(
        "MAX_QUEUED_BYTES", "int", 20 * GIB, "Bytes that the inputs of those jobs may have in all.", validate.Range(1)
    ),
    Setting("JOB_WORKER", "bool", False, "Whether gunicorn starts a job worker beside its own workers."),
    Setting("JOB_ENGINE", "str", LOCAL, "Where jobs compute.", validate.OneOf([LOCAL, DASK])),
    Setting("DASK_SCHEDULER", "str", "", "Scheduler of a Dask cluster, as in `tcp://scheduler:8786`."),
    Setting("JOB_PROCESSES", "int", 0, "Processes that a worker scores with; 0 for one a core.", validate.Range(0)),
    Setting(
        "JOB_LEASE_SECONDS", "int", 30, "After which silence a worker is taken for dead.", validate.Range(1, 86_400)
    ),
    Setting("JOB_MAX_ATTEMPTS", "int", 5, "Workers that may die of one block before the job fails.", validate.Range(1)),
    Setting(
        "JOB_KEEP_DAYS", "int", 7, "How long finished jobs and their results stay.", validate.Range(0, MAX_KEEP_DAYS)
    ),
    Setting("JOB_KEEP_BYTES", "int", 20 * GIB, "Bytes beyond which the oldest of them go sooner.", validate.Range(0)),
    Setting("METRICS_PORT", "int", 0, "Port that serves the metrics to anyone; 0 for none.", validate.Range(0, 65535)),
    Setting("METRICS_HOST", "str", "127.0.0.1", "Address that it listens on."),
    Setting(
        "METRICS_DIR",
        "str",
        "",
        "Folder of the counters. Empty: below `/dev/shm`, which is memory; else in INSTANCE_DIR, `metrics`.",
        is_path=True,
    ),
    Setting(
        "ALLOWED_HOSTS",
        "list",
        [],
        "Names or addresses that a request's `Host` may have, with any port, `.example.com` for all names below, by "
        "commas. Empty: any.",
        _hosts,
    ),
    Setting(
        "CONTACT",
        "str",
        "",
        "Whom users of this service ask, as its API page says it: an e-mail address, or one that begins with https://.",
        _optional_contact,
    ),
    Setting(
        "CORS_ORIGINS",
        "list",
        [],
        "Origins whose pages may call the API, as in `https://app.example.com` or `https://*.example.com`, by commas.",
        _origins,
    ),
)


_PARSING = {"list": {"subcast": str.strip}}
"""People write a space after a comma."""


def load_settings(overrides: Mapping[str, Any] | None = None, others: Container[str] = ()) -> dict[str, Any]:
    """Every setting by name: of `overrides`, the environment, the file and the defaults, the first that says.

    Paths are absolute. `others` are the names that overrides may hold besides. Raises ConfigError naming what is at
    fault.
    """
    _refuse_odd_variables()
    env = Env(eager=False)
    below = {setting.name: setting.default for setting in SETTINGS} | _from_file() | _from_secret_files()
    settings = {
        setting.name: getattr(env, setting.kind)(
            setting.variable, below[setting.name], validate=setting.check, **_PARSING.get(setting.kind, {})
        )
        for setting in SETTINGS
    }
    found = _in_other_digits()
    try:
        env.seal()
    except EnvValidationError as error:
        found |= cast("Mapping[str, list[str]]", error.error_messages)
    if found:
        raise ConfigError("; ".join(f"{variable}: {' '.join(messages)}" for variable, messages in found.items()))
    settings |= {name: _overridden(name, value, others) for name, value in (overrides or {}).items()}
    settings |= _absolute_paths(settings)
    # As URLs write an address of IPv6; sockets know no brackets.
    settings |= {name: settings[name].strip("[]") for name in ("HOST", "METRICS_HOST")}
    if settings["JOB_ENGINE"] == DASK and not settings["DASK_SCHEDULER"]:
        raise ConfigError(f"JOB_ENGINE=dask needs a cluster: set {PREFIX}DASK_SCHEDULER")
    return settings


def metrics_dir(settings: Mapping[str, Any]) -> Path:
    """The folder below which processes count: in memory where there is such a folder.

    They write as to memory, and the system kills who writes so to a disk that is full.
    """
    if settings["METRICS_DIR"]:
        return Path(settings["METRICS_DIR"])
    if os.access(SHARED_MEMORY, os.W_OK):
        return SHARED_MEMORY / f"churn-api-{os.getuid()}"
    return Path(settings["INSTANCE_DIR"]) / "metrics"


def metrics_group() -> Path | None:
    """The folder that this process and its kin count in; None where it counts for itself."""
    folder = os.environ.get(METRICS_GROUP)
    return Path(folder) if folder else None


def inherited_descriptors() -> list[int]:
    """The sockets that a gunicorn which is replaced hands to the next one, in a variable of its own."""
    return [int(number) for number in os.environ["GUNICORN_FD"].split(",")]


def default_settings() -> dict[str, Any]:
    """What every setting is where nothing says otherwise."""
    defaults = {setting.name: setting.default for setting in SETTINGS}
    return defaults | _absolute_paths(defaults)


def _absolute_paths(settings: Mapping[str, Any]) -> dict[str, str]:
    """Every path that is set or has a default, absolute: it names the same file from any working directory."""
    defaults = state_folders(Path(__file__).parent)
    named = [setting.name for setting in SETTINGS if setting.is_path]
    paths = {name: settings[name] or defaults.get(name) for name in named}
    absolute = {name: str(Path(path).absolute()) for name, path in paths.items() if path}
    return absolute | {"DATABASE_URL": _absolute_file(settings["DATABASE_URL"])}


def _absolute_file(url: str) -> str:
    """The address of a database, with an absolute path where it is that of a SQLite file."""
    file = _RELATIVE_SQLITE.fullmatch(url)
    return f"{file[1]}{Path(file[2]).absolute()}" if file else url


def state_folders(package: Path) -> dict[str, Path]:
    """Where state is by default, found as Flask finds an instance folder: by where the package is.

    Beside a package in a checkout; below `var` in the prefix that a package is installed to.
    https://flask.palletsprojects.com/en/stable/config/#instance-folders
    """
    parent = package.absolute().parent
    if parent.name not in ("site-packages", "dist-packages"):
        return {"INSTANCE_DIR": parent / "instance", "MODELS_DIR": parent / "models"}
    # Of a package for one user the prefix is not Python's own: lib/python3.x/site-packages is below it.
    prefix = Path(sys.prefix) if parent.is_relative_to(sys.prefix) else parent.parents[2]
    instance = prefix / "var" / "churn_api-instance"
    return {"INSTANCE_DIR": instance, "MODELS_DIR": instance / "models"}


def _from_file() -> dict[str, Any]:
    """What the file of CONFIG_FILE says."""
    path = os.environ.get(f"{PREFIX}CONFIG_FILE")
    if not path:
        return {}
    kinds = {setting.name: setting.kind for setting in SETTINGS}
    try:
        found = read_settings(Path(path))
    except FileError as error:
        raise ConfigError(str(error)) from error
    for name, value in found.items():
        if name not in kinds:
            hint = did_you_mean(name.lower(), map(str.lower, kinds)) or "docs/configuration.md lists the settings."
            raise ConfigError(f"{path}: {name.lower()} is not a setting. {hint}")
        try:
            check_type(kinds[name], value)
            _checked(name, value, ())
        except (FileError, ConfigError) as error:
            raise ConfigError(f"{path}: {name.lower()}: {str(error).removeprefix(f'{name}: ')}") from error
    return found


def _from_secret_files() -> dict[str, Any]:
    """Secrets that stand in files, as orchestrators hand them out; without the line's end."""
    found = {}
    for setting in SETTINGS:
        path = os.environ.get(setting.file_variable) if setting.secret else None
        if path:
            try:
                found[setting.name] = _checked(setting.name, Path(path).read_text().strip(), ())
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"{setting.file_variable}: {path} cannot be read") from error
    return found


def _overridden(name: str, value: Any, others: Container[str]) -> Any:
    """An override. In it alone the database may be in memory: an environment is that of many processes."""
    return value if name == "DATABASE_URL" and value in IN_MEMORY else _checked(name, value, others)


def _checked(name: str, value: Any, others: Container[str]) -> Any:
    """An override, which stands in for a variable, under the same check."""
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


def _refuse_odd_variables() -> None:
    known = [setting.variable for setting in SETTINGS]
    known += [setting.file_variable for setting in SETTINGS if setting.secret]
    for variable in os.environ:
        if variable.startswith(PREFIX) and variable not in known:
            raise ConfigError(f"{variable} is not a setting. {_hint(variable, known)}")
    for variable in known:
        _require_text(variable, os.environ.get(variable))


def _require_text(name: str, value: Any) -> None:
    """Raise ConfigError where a value is, or holds, what no address, path or name can be."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str) and ("\0" in one or not is_unicode(one)):
            raise ConfigError(f"{name}: Must be UTF-8 text without NUL.")


def _hint(variable: str, known: Sequence[str]) -> str:
    """What was probably meant. A setting without our prefix, as PORT, is compared as if it had it."""
    by_prefixed = {PREFIX + name.removeprefix(PREFIX): name for name in known}
    match = closest_match(variable, by_prefixed)
    return "docs/configuration.md lists the settings." if match is None else f"Did you mean '{by_prefixed[match]}'?"


def _in_other_digits() -> dict[str, list[str]]:
    """By variable, what to say of numbers in other digits than 0 to 9, which Python's own int() takes."""
    numbers = [setting.variable for setting in SETTINGS if setting.kind in ("int", "float")]
    return {name: ["Not a valid number."] for name in numbers if not is_numeral(os.environ.get(name) or "0")}
