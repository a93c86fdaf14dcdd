"""Exceptions as text for the log: what happened where, and the words of it only where they cannot quote a client."""

import traceback
from collections.abc import Iterator

_BECAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
_DURING = "\nDuring handling of the above exception, another exception occurred:\n\n"


def format_exception(error: BaseException, *, with_messages: bool) -> str:
    """An exception's traceback as Python prints it, with what led to it. Never with the values of variables.

    What an exception says may quote what it met; without `with_messages` its type stands alone.
    """
    parts: list[str] = []
    for each, joint in reversed(list(_led_to(error))):
        parts += [_one(each, with_messages=with_messages), joint]
    return "".join(parts).rstrip()


def _led_to(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    """An exception and those before it, each with how it is joined to the one that it led to."""
    met: set[int] = set()
    each: BaseException | None = error
    joint = ""
    while each is not None and id(each) not in met:
        met.add(id(each))
        yield each, joint
        if each.__cause__ is not None:
            each, joint = each.__cause__, _BECAUSE
        else:
            each, joint = (None if each.__suppress_context__ else each.__context__), _DURING


def _one(error: BaseException, *, with_messages: bool) -> str:
    frames = "".join(traceback.format_tb(error.__traceback__))
    head = f"Traceback (most recent call last):\n{frames}" if frames else ""
    words = str(error) if with_messages else _harmless(error)
    return f"{head}{_name(error)}: {words}\n" if words else f"{head}{_name(error)}\n"


def _harmless(error: BaseException) -> str:
    """What the operating system says of an error, which quotes nobody."""
    return error.strerror or "" if isinstance(error, OSError) else ""


def _name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
