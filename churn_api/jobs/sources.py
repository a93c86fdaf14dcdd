"""Where a job's input comes from: an upload, a path below DATA_DIR, or a URL of an object store."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO
from urllib.parse import unquote

from churn_api.jobs.files import JobFiles, atomic_write

COPIED_AT_ONCE = 1 << 20


def path_below(folder: Path, path: str) -> Path | None:
    """The path without links; None where it leads out of the folder, or the system cannot follow it."""
    root = folder.resolve()
    try:
        resolved = (root / path).resolve()
        resolved.lstat()
    except FileNotFoundError:
        pass
    except (OSError, ValueError, RuntimeError):  # RuntimeError: circular links, before Python 3.13
        return None
    return resolved if resolved.is_relative_to(root) else None


class SourceError(ValueError):
    """The source is not allowed, or cannot be read; the text says why and contains no path of this machine."""


class Sources:
    """The sources that jobs may read. Every method raises SourceError for others."""

    def __init__(self, data_dir: Path | None, data_urls: Sequence[str], max_bytes: int) -> None:
        self._data_dir = data_dir
        self._urls = tuple(data_urls)
        self.max_bytes = max_bytes

    def check(self, source: str) -> int:
        """Check that a path or URL is allowed, and return the size of the file in bytes; 0 for a URL."""
        if "://" in source:
            self._allowed_url(source)
            return 0
        return self._below_data_dir(source).stat().st_size

    def fetch(self, source: str, files: JobFiles, check: Callable[[], None]) -> None:
        """Copy a job's input to its folder: every attempt must score the same bytes.

        `check` is called between chunks, and raises where the copy must stop. Raises OSError where writing fails.
        """
        if files.input.exists():
            return
        if not source:
            raise SourceError("the uploaded file is gone")
        opened = self._open_url(source) if "://" in source else self._below_data_dir(source).open("rb")
        with opened as stream, atomic_write(files.input) as file:
            self._copy(stream, file, check)

    def _below_data_dir(self, source: str) -> Path:
        if self._data_dir is None:
            raise SourceError("no folder is set that jobs may read from (DATA_DIR): upload the file")
        path = path_below(self._data_dir, source)
        if path is None or not path.is_file():
            raise SourceError("there is no such file below the data folder")
        return path

    def _allowed_url(self, source: str) -> None:
        """Raise SourceError unless the URL is below a configured one. Query options could redirect the request."""
        steps = unquote(source).split("/")
        if "?" in source or "#" in source or ".." in steps or not source.startswith(self._urls):
            raise SourceError("jobs may not read from that address (DATA_URLS lists where they may)")

    def _open_url(self, source: str) -> IO[bytes]:
        self._allowed_url(source)
        # Imported here: most services read no object store, and the library is slow to import.
        from pyarrow.fs import FileSystem

        try:
            system, path = FileSystem.from_uri(source)
            stream: IO[bytes] = system.open_input_stream(path, compression=None)
        except (OSError, ValueError, NotImplementedError) as error:
            raise SourceError("the address cannot be read") from error
        return stream

    def _copy(self, source: IO[bytes], target: IO[bytes], check: Callable[[], None]) -> None:
        while data := source.read(COPIED_AT_ONCE):
            check()
            target.write(data)
            if target.tell() > self.max_bytes:
                raise SourceError(f"the file has more than {self.max_bytes} bytes")
