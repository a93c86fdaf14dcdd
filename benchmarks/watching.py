"""How much memory processes take while they run."""

import contextlib
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

LOOK_EVERY_SECONDS = 0.2


class Peak:
    """Most memory that a process and its children took together at any moment, what they share counted once."""

    def __init__(self) -> None:
        self.megabytes = 0.0

    def look(self, process: psutil.Process) -> None:
        """Take what they hold now into account."""
        with contextlib.suppress(psutil.NoSuchProcess):
            family = [process, *process.children(recursive=True)]
            self.megabytes = max(self.megabytes, sum(map(_pss_megabytes, family)))


@contextmanager
def watched(command: list[str], environment: dict[str, str]) -> Iterator[tuple["subprocess.Popen[bytes]", Peak]]:
    """A command that runs, and the peak of its memory so far; it is ended with the block."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak, over = Peak(), threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_EVERY_SECONDS):
            peak.look(psutil.Process(process.pid))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield process, peak
    finally:
        over.set()
        watcher.join()
        process.terminate()
        process.wait(timeout=60)


def _pss_megabytes(process: psutil.Process) -> float:
    """0 of one that is gone."""
    try:
        return float(process.memory_full_info().pss) / 1e6
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0.0
