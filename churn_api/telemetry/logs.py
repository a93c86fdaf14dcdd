"""The log of processes that run for long: one line an event on stdout, whoever tells it.

What `logging` is told, by this program, gunicorn or a library, and what is told here directly, becomes the same form.
Until `configure` is called, as in a team's own application, everything goes to `logging` and is theirs.
"""

import logging
import logging.config
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from churn_api.config import AUTO, JSON, LOG_LEVELS
from churn_api.telemetry import gunicorn_records
from churn_api.telemetry.exception_format import format_exception
from churn_api.telemetry.log_lines import as_json, with_header, write

_NAMES = {getattr(logging, name.upper()): name for name in LOG_LEVELS}

Render = Callable[[dict[str, Any]], bytes]
"""Makes a line of its fields."""

_log = logging.getLogger(__name__)
_events = logging.getLogger("churn_api.events")
_about: ContextVar[dict[str, str] | None] = ContextVar("about", default=None)


@dataclass
class _Chosen:
    """How this process logs; nothing before it is configured."""

    render: Render | None = None
    level: int = logging.NOTSET
    records: bool = False


_chosen = _Chosen()


def configure(settings: Mapping[str, Any]) -> None:
    """Have this process, and those forked from it, write their log to stdout."""
    _chosen.render = _rendering(settings)
    _chosen.level = getattr(logging, settings["LOG_LEVEL"].upper())
    _chosen.records = settings["LOG_RECORDS"]
    logging.config.dictConfig(logging_config(settings))
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    if _chosen.records:
        _log.warning("LOG_RECORDS is on: what clients send to be predicted is written to the log")


def is_json(settings: Mapping[str, Any]) -> bool:
    """Whether lines are JSON: on a terminal they are for people."""
    chosen = settings["LOG_FORMAT"]
    return chosen == JSON or (chosen == AUTO and not sys.stdout.isatty())


def logging_config(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What `logging.config` is to make of `logging`, and gunicorn of its own loggers."""
    ours = settings["LOG_LEVEL"].upper()
    # Libraries tell much, and of some it holds data.
    theirs = max(logging.WARNING, getattr(logging, ours))
    # At its debug level gunicorn tells of every request, with its address.
    servers = max(logging.INFO, getattr(logging, ours))
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"lines": {"()": lambda: _Lines(settings)}},
        "root": {"level": theirs, "handlers": ["lines"]},
        "loggers": {
            "churn_api": {"level": ours},
            gunicorn_records.LOGGER: {"level": servers, "handlers": [], "propagate": True},
        },
    }


def wants(level: int) -> bool:
    """Whether an event of a level is written at all."""
    return level >= _chosen.level if _chosen.render else _events.isEnabledFor(level)


def log_event(level: int, event: str, fields: dict[str, Any], error: BaseException | None = None) -> None:
    """An event with its fields: the way through `logging` without `logging`, which costs more than all the rest."""
    if _chosen.render is None:
        named = " ".join(f"{name}={value}" for name, value in fields.items())
        _events.log(level, "%s %s", event, named, exc_info=error)
    elif level >= _chosen.level:
        line = with_header(_NAMES[level], event, fields)
        if error is not None:
            line["exception"] = _exception_text(error, of_client=_about.get() is not None)
        write(_chosen.render(line))


def bind_context(fields: dict[str, str] | None) -> None:
    """Put these fields into every line that `logging` is told from now on, until others come."""
    _about.set(fields)


@contextmanager
def bound_context(**fields: str) -> Iterator[None]:
    """Put these fields into every line that `logging` is told within a block."""
    before = _about.set(fields)
    try:
        yield
    finally:
        _about.reset(before)


class _Lines(logging.Handler):
    """Writes records as lines."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__()
        self._render = _rendering(settings)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self._render(_fields(gunicorn_records.without_client_data(record)))
        except Exception:  # noqa: BLE001 - as in every handler: a line that cannot be made breaks nothing
            self.handleError(record)
        else:
            write(line)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    about = _about.get()
    fields = with_header(record.levelname.lower(), record.getMessage(), {"logger": record.name} | (about or {}))
    error = record.exc_info and record.exc_info[1]
    if error is not None:
        fields["exception"] = _exception_text(
            error, of_client=about is not None or gunicorn_records.is_request_error(record)
        )
    return fields


def _rendering(settings: Mapping[str, Any]) -> Render:
    if is_json(settings):
        return as_json
    # Only here: it loads Rich, which nobody needs whose log a machine reads.
    from structlog.dev import ConsoleRenderer

    console = ConsoleRenderer(colors=sys.stdout.isatty(), sort_keys=False)

    def render(fields: dict[str, Any]) -> bytes:
        at = fields["timestamp"].astimezone().strftime("%H:%M:%S.%f")[:-3]
        return f"{console(None, '', fields | {'timestamp': at})}\n".encode(errors="backslashreplace")

    return render


def _exception_text(error: BaseException, *, of_client: bool) -> str:
    """An exception as text, which quotes nothing that a request or a job holds."""
    return format_exception(error, with_messages=_chosen.records or not of_client)


def _uncaught(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
    _log.critical("the process ends by an exception", exc_info=error)


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    name = args.thread.name if args.thread is not None else "unknown"
    _log.error("the thread %s ended by an exception", name, exc_info=args.exc_value)
