"""Progress of a run over a table's rows: a bar on a terminal, else a line every ten seconds."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LINE_EVERY_SECONDS = 10


class RowProgress(Protocol):
    """Displays how far a run is."""

    def update(self, rows: int, done: int) -> None:
        """Display that `rows` rows are finished, and `done` of the total."""
        ...


class _ProgressLines:
    def __init__(self, stream: TextIO, total: int) -> None:
        self._stream, self._total = stream, total
        self._started = self._last_line = time.monotonic()

    def update(self, rows: int, done: int) -> None:
        now = time.monotonic()
        if now - self._last_line >= LINE_EVERY_SECONDS:
            self._last_line = now
            percent = 100 * done / self._total if self._total else 100.0
            rate = rows / (now - self._started)
            print(f"{percent:.0f} %, {rows:,} rows, {rate:,.0f} rows/s", file=self._stream, flush=True)


class _ProgressBar:
    def __init__(self, bar: Progress, total: int) -> None:
        self._bar = bar
        self._started = time.monotonic()
        self._task = bar.add_task("", total=total, rows="0 rows")

    def update(self, rows: int, done: int) -> None:
        rate = rows / max(time.monotonic() - self._started, 1e-9)
        self._bar.update(self._task, completed=done, rows=f"{rows:,} rows, {rate:,.0f} rows/s")


@contextmanager
def row_progress(stream: TextIO, total: int) -> Iterator[RowProgress]:
    """A bar where the stream is a terminal, else lines; `total` is the final value of `done`."""
    if not stream.isatty():
        yield _ProgressLines(stream, total)
        return
    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rows]}"), TimeElapsedColumn())
    with Progress(*columns, TextColumn("left"), TimeRemainingColumn(), console=Console(file=stream)) as bar:
        yield _ProgressBar(bar, total)
