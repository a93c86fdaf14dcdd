"""Formats exceptions for the log: tracebacks always, messages only where they cannot quote a client's data."""

import traceback
from collections.abc import Iterator

_BECAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
_DURING = "\nDuring handling of the above exception, another exception occurred:\n\n"


def format_exception(error: BaseException, *, with_messages: bool) -> str:
    """The traceback of an exception and of its causes, as Python prints it, without values of variables.

    Messages may quote data; without `with_messages` only the types are printed.
    """
    parts: list[str] = []
    for each, separator in reversed(list(_chain(error))):
        parts += [_format_one(each, with_messages=with_messages), separator]
    return "".join(parts).rstrip()


def _chain(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    """An exception and its causes, each with the text that separates it from its effect."""
    seen: set[int] = set()
    each: BaseException | None = error
    separator = ""
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each, separator
        if each.__cause__ is not None:
            each, separator = each.__cause__, _BECAUSE
        else:
            each, separator = (None if each.__suppress_context__ else each.__context__), _DURING


def _format_one(error: BaseException, *, with_messages: bool) -> str:
    frames = "".join(traceback.format_tb(error.__traceback__))
    head = f"Traceback (most recent call last):\n{frames}" if frames else ""
    message = str(error) if with_messages else _safe_message(error)
    return f"{head}{_name(error)}: {message}\n" if message else f"{head}{_name(error)}\n"


def _safe_message(error: BaseException) -> str:
    """The operating system's message, which quotes no data; empty for other exceptions."""
    return error.strerror or "" if isinstance(error, OSError) else ""


def _name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
