"""What an operation does, one step after another, without doing any of it.

An operation is a generator: it yields what is to be done, receives the result, and returns its answer. Client and
AsyncClient do what it yields, each in its own way, and decide nothing: every decision is made once, in an operation.
"""

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar

T = TypeVar("T")


class Call(NamedTuple):
    """A request that is sent until it is answered or given up; its result is a successful `httpx.Response`."""

    method: str
    path: str
    params: Mapping[str, str | int | float] = {}
    headers: Mapping[str, str] = {}
    content: bytes | None = None
    form: Mapping[str, str] | None = None
    upload: tuple[str, Path | bytes] | None = None
    """A file of a form: its name, and where it is or what it holds."""
    save_to: Path | None = None
    """Where the body of a successful response is written; it is in memory otherwise."""
    repeatable: bool = True
    """Whether it may be sent again when it is unknown if it arrived."""


class Attempt(NamedTuple):
    """One sending of a call; its result is an `httpx.Response`, or the `httpx.RequestError` that there is instead."""

    call: Call
    request_id: str


class Sleep(NamedTuple):
    """A wait; its result is None."""

    seconds: float


class Together(NamedTuple):
    """Operations that run at the same time, a bounded number of them; its result is the list of their answers."""

    operations: "Sequence[Steps[Any]]"


Step: TypeAlias = Call | Attempt | Sleep | Together
Steps: TypeAlias = Generator[Step, Any, T]
