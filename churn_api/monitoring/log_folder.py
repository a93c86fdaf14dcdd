"""Where the prediction log is: its days in Parquet, and the segments that are not compacted yet."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple


class DayFolder(NamedTuple):
    """The folder of one model's predictions of one day, in UTC."""

    model: str
    day: date
    path: Path

    def parts(self) -> list[Path]:
        """Its Parquet files, the oldest first; none where it was removed."""
        return sorted(self.path.glob("part-*.parquet"))


class LogFolder:
    """The folder LOG_DIR: `predictions/model=<model>/day=<day>/part-*.parquet`, and `segments`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.segments = path / "segments"
        self._predictions = path / "predictions"
        self._maintained = path / "maintained"

    def day(self, model: str, day: date) -> DayFolder:
        """The folder of a model's day, which may not exist yet."""
        return DayFolder(model, day, self._predictions / f"model={model}" / f"day={day.isoformat()}")

    def models(self) -> list[str]:
        """Models that have predictions, sorted."""
        return sorted(path.name.removeprefix("model=") for path in self._predictions.glob("model=*"))

    def days(self, model: str) -> list[DayFolder]:
        """The days of a model that have predictions, the oldest first."""
        folders = sorted((self._predictions / f"model={model}").glob("day=*"))
        return [DayFolder(model, date.fromisoformat(path.name.removeprefix("day=")), path) for path in folders]

    def hidden(self, pattern: str) -> list[Path]:
        """Folders of all models that are no days, by a pattern of their names."""
        return list(self._predictions.glob(f"model=*/{pattern}"))

    def mark_maintained(self) -> None:
        """Remember that the folder is maintained, as of now."""
        self._maintained.touch()

    def maintained_at(self) -> float | None:
        """When the folder was last maintained, in seconds since 1970; None where it never was."""
        try:
            return self._maintained.stat().st_mtime
        except FileNotFoundError:
            return None

    @contextmanager
    def alone(self, what: str = "compaction") -> Iterator[bool]:
        """Whether this process may do `what`, as rewriting the days; others get False until the end of the block.

        The kernel releases the lock of a process that is killed, also where machines share the folder by NFS.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.path / f"{what}.lock").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True
