"""Structured logging of long-running processes: one line per event on stdout.

Records of `logging`, from this program, gunicorn and libraries, and events of `log_event` have the same format. Until
`configure` is called, as when the API is mounted in another application, all events go to `logging`.
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

from churn_api.settings import AUTO, JSON, LOG_LEVELS
from churn_api.telemetry import gunicorn_records
from churn_api.telemetry.exception_format import format_exception
from churn_api.telemetry.log_lines import as_json, with_header, write

_NAMES = {getattr(logging, name.upper()): name for name in LOG_LEVELS}

Render = Callable[[dict[str, Any]], bytes]
"""Renders fields as a line."""

_log = logging.getLogger(__name__)
_events = logging.getLogger("churn_api.events")
_context: ContextVar[dict[str, str] | None] = ContextVar("log_context", default=None)


@dataclass
class _Config:
    """How this process logs; `render` is None until it is configured."""

    render: Render | None = None
    level: int = logging.NOTSET
    records: bool = False


_config = _Config()


def configure(settings: Mapping[str, Any]) -> None:
    """Write the log of this process, and of those forked from it, to stdout."""
    _config.render = _rendering(settings)
    _config.level = getattr(logging, settings["LOG_LEVEL"].upper())
    _config.records = settings["LOG_RECORDS"]
    logging.config.dictConfig(logging_config(settings))
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    if _config.records:
        _log.warning("LOG_RECORDS is on: records that clients send are written to the log")


def is_json(settings: Mapping[str, Any]) -> bool:
    """Whether lines are JSON rather than text; `auto` means text on a terminal."""
    log_format = settings["LOG_FORMAT"]
    return log_format == JSON or (log_format == AUTO and not sys.stdout.isatty())


def logging_config(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A dictConfig for `logging` and for gunicorn's loggers."""
    ours = settings["LOG_LEVEL"].upper()
    # Libraries log much below WARNING, and some of it contains data.
    theirs = max(logging.WARNING, getattr(logging, ours))
    # At DEBUG gunicorn logs every request with the client's address.
    servers = max(logging.INFO, getattr(logging, ours))
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"lines": {"()": lambda: _LineHandler(settings)}},
        "root": {"level": theirs, "handlers": ["lines"]},
        "loggers": {
            "churn_api": {"level": ours},
            gunicorn_records.LOGGER: {"level": servers, "handlers": [], "propagate": True},
        },
    }


def wants(level: int) -> bool:
    """Whether events of a level are written."""
    return level >= _config.level if _config.render else _events.isEnabledFor(level)


def log_event(level: int, event: str, fields: dict[str, Any], error: BaseException | None = None) -> None:
    """Log an event with its fields, bypassing `logging`, which would cost more than the rest of the line."""
    if _config.render is None:
        named = " ".join(f"{name}={value}" for name, value in fields.items())
        _events.log(level, "%s %s", event, named, exc_info=error)
    elif level >= _config.level:
        line = with_header(_NAMES[level], event, fields)
        if error is not None:
            line["exception"] = _exception_text(error, of_client=_context.get() is not None)
        write(_config.render(line))


def bind_context(fields: dict[str, str] | None) -> None:
    """Add these fields to every record of `logging` in this context, until they are replaced."""
    _context.set(fields)


@contextmanager
def bound_context(**fields: str) -> Iterator[None]:
    """Add these fields to every record of `logging` inside a `with` block."""
    before = _context.set(fields)
    try:
        yield
    finally:
        _context.reset(before)


class _LineHandler(logging.Handler):
    """Writes each record as a line."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__()
        self._render = _rendering(settings)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self._render(_fields(gunicorn_records.without_client_data(record)))
        except Exception:  # noqa: BLE001 - as in every logging handler
            self.handleError(record)
        else:
            write(line)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    context = _context.get()
    fields = with_header(record.levelname.lower(), record.getMessage(), {"logger": record.name} | (context or {}))
    error = record.exc_info and record.exc_info[1]
    if error is not None:
        fields["exception"] = _exception_text(
            error, of_client=context is not None or gunicorn_records.is_request_error(record)
        )
    return fields


def _rendering(settings: Mapping[str, Any]) -> Render:
    if is_json(settings):
        return as_json
    # Imported here: it loads Rich, which JSON logs do not need.
    from structlog.dev import ConsoleRenderer

    console = ConsoleRenderer(colors=sys.stdout.isatty(), sort_keys=False)

    def render(fields: dict[str, Any]) -> bytes:
        at = fields["timestamp"].astimezone().strftime("%H:%M:%S.%f")[:-3]
        return f"{console(None, '', fields | {'timestamp': at})}\n".encode(errors="backslashreplace")

    return render


def _exception_text(error: BaseException, *, of_client: bool) -> str:
    """An exception as text, without data of a request or a job unless LOG_RECORDS is on."""
    return format_exception(error, with_messages=_config.records or not of_client)


def _uncaught(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
    _log.critical("the process ends with an exception", exc_info=error)


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    name = args.thread.name if args.thread is not None else "unknown"
    _log.error("the thread %s ended with an exception", name, exc_info=args.exc_value)
