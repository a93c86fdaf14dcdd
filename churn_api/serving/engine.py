"""What an engine is: it computes a function of every block somewhere, and gives the results in order."""

from collections.abc import Callable, Generator, Iterator

from churn_api.serving.table_scorer import Scored
from churn_api.tables.file_parts import Block

Function = Callable[[Block], Scored]
Check = Callable[[], None]
"""Raises where nothing more is wanted. An engine that may have to wait long asks it meanwhile."""
Engine = Callable[[Function, Iterator[Block], Check], Generator[Scored, None, None]]


class ProcessKilled(Exception):
    """A process that computed was killed, by the system or by somebody."""


class EngineAway(Exception):
    """What computes cannot be reached: the job is not at fault, and waits. The text says what is away."""
