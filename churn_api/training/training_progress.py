"""Reports the progress of training: a progress bar on a terminal, one line per step elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress


class TrainingProgress(Protocol):
    """Receives each step when it starts."""

    def plan(self, steps: int) -> None:
        """Set the number of steps, as soon as it is known."""
        ...

    def step(self, what: str) -> None:
        """Start a step; the previous step is finished."""
        ...


class LineProgress:
    """Prints one line per step, for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._steps = self._done = 0
        self._started = time.monotonic()

    def plan(self, steps: int) -> None:
        """See TrainingProgress."""
        self._steps = steps

    def step(self, what: str) -> None:
        """See TrainingProgress."""
        elapsed = time.monotonic() - self._started
        remaining = self._remaining(elapsed)
        self._done += 1
        of = f"/{self._steps}" if self._steps else ""
        print(f"[{self._done}{of}] {what} ({elapsed:.1f} s{remaining})", file=self._stream, flush=True)

    def _remaining(self, elapsed: float) -> str:
        """The time that the remaining steps take if they take as long as those that are done."""
        if not self._done or not self._steps:
            return ""
        return f", about {elapsed / self._done * (self._steps - self._done):.0f} s left"


class BarProgress:
    """Shows a progress bar on a terminal."""

    def __init__(self, bar: RichProgress) -> None:
        self._bar = bar
        self._task = bar.add_task("starting", total=None)
        self._started_first = False

    def plan(self, steps: int) -> None:
        """See TrainingProgress."""
        self._bar.update(self._task, total=steps)

    def step(self, what: str) -> None:
        """See TrainingProgress."""
        self._bar.update(self._task, description=what, advance=1 if self._started_first else 0)
        self._started_first = True


@contextmanager
def progress_on(stream: TextIO) -> Iterator[TrainingProgress]:
    """A progress bar where the stream is a terminal, else lines."""
    if not stream.isatty():
        yield LineProgress(stream)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with RichProgress(*columns, console=Console(file=stream), transient=True) as bar:
        yield BarProgress(bar)
