"""Progress of long work, on stderr: a bar on a terminal, a line a step elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress


class TrainingProgress(Protocol):
    """Is told of each step as it begins."""

    def plan(self, steps: int) -> None:
        """How many steps there will be, as soon as that is known."""
        ...

    def step(self, what: str) -> None:
        """A step begins; the one before it is done."""
        ...


class Lines:
    """A line a step, for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._steps = self._done = 0
        self._started = time.monotonic()

    def plan(self, steps: int) -> None:
        """See TrainingProgress."""
        self._steps = steps

    def step(self, what: str) -> None:
        """See TrainingProgress."""
        self._done += 1
        of = f"/{self._steps}" if self._steps else ""
        print(f"[{self._done}{of}] {what} ({time.monotonic() - self._started:.1f} s)", file=self._stream, flush=True)


class Bar:
    """A bar on a terminal."""

    def __init__(self, bar: RichProgress) -> None:
        self._bar = bar
        self._task = bar.add_task("starting", total=None)
        self._begun = False

    def plan(self, steps: int) -> None:
        """See TrainingProgress."""
        self._bar.update(self._task, total=steps)

    def step(self, what: str) -> None:
        """See TrainingProgress."""
        self._bar.update(self._task, description=what, advance=1 if self._begun else 0)
        self._begun = True


@contextmanager
def progress_on(stream: TextIO) -> Iterator[TrainingProgress]:
    """The kind of progress that suits the stream."""
    if not stream.isatty():
        yield Lines(stream)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with RichProgress(*columns, console=Console(file=stream), transient=True) as bar:
        yield Bar(bar)
