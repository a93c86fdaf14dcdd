"""Every setting: its name, default, check and description.

Here and in Flask's config, settings have no prefix; in the environment they are `CHURN_<NAME>`, except for a few that
platforms set under their own name.
"""

from dataclasses import dataclass
from typing import Any

from environs import validate

from churn_api.setting_checks import (
    check_bucket_urls,
    check_hosts,
    check_networks,
    check_optional_contact,
    check_optional_rate,
    check_optional_route,
    check_optional_url,
    check_origins,
    check_rate,
    check_secret,
    optional_url_check,
)
from churn_api.store_urls import check_cache, check_counters_url, check_database_url, check_redis_url

PREFIX = "CHURN_"

REQUIRED, OPEN = "required", "open"
LOCAL, DASK = "local", "dask"
AUTO, JSON, TEXT = "auto", "json", "text"
OFF, ANSWERS, RECORDS = "off", "answers", "records"
LOG_LEVELS = ("debug", "info", "warning", "error")
PROTOCOLS = ("mlflow", "databricks", "sagemaker", "v2", "kserve", "vertex", "azure")
"""Names of other systems' protocols."""
GIB = 1 << 30
MAX_KEEP_DAYS = 36_500
"""A hundred years. Much larger values overflow when the date is computed."""


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
    Setting(
        "LOG_SECRET",
        "str",
        "",
        "Secret of the customers' keys in the prediction log, 32 characters or more.",
        check_secret,
        secret=True,
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
        validate.ContainsOnly(PROTOCOLS, error="Must be of {choices}."),
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
    Setting(
        "LOG_PREDICTIONS",
        "str",
        ANSWERS,
        "What the prediction log has: `off` for nothing, `answers`, or `records` for the features as well.",
        validate.OneOf([OFF, ANSWERS, RECORDS]),
    ),
    Setting(
        "LOG_DIR",
        "str",
        "",
        "Folder of the prediction log. Machines may share one. Empty: `prediction-log` in INSTANCE_DIR.",
        is_path=True,
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
        "Days that the prediction log, the counts that are compared with the training rows, and those of experiments "
        "that have ended, are kept.",
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
    Setting("DESK", "bool", True, "Whether `/` answers browsers with the desk, a page for people."),
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

BY_NAME = {setting.name: setting for setting in SETTINGS}
"""Every setting by its name."""
