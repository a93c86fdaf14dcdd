"""The interface of engines: an engine applies a function to every block, in other processes or on other machines."""

from collections.abc import Callable, Generator, Iterator

from churn_api.serving.scored_blocks import ScoredBlock
from churn_api.tables.file_parts import Block

Function = Callable[[Block], ScoredBlock]
Check = Callable[[], None]
"""Raises where the work should stop. An engine that may wait long calls it while it waits."""
Engine = Callable[[Function, Iterator[Block], Check], Generator[ScoredBlock, None, None]]


class ProcessKilled(Exception):
    """A scoring process was killed, for example by the kernel for lack of memory."""


class EngineUnavailable(Exception):
    """The engine cannot be reached. The job is not at fault and waits; the text names what is unreachable."""
