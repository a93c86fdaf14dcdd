"""Where a job's input comes from: an upload, a path below the data folder, or an address of an object store."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO
from urllib.parse import unquote

from churn_api.jobs.files import JobFiles, atomic_write

COPIED_AT_ONCE = 1 << 20


class SourceError(ValueError):
    """A source that may not be read, or cannot be; the text says why and names no path of this machine."""


class Sources:
    """What jobs may read. Raises SourceError from every function where they may not."""

    def __init__(self, data_dir: Path | None, data_urls: Sequence[str], max_bytes: int) -> None:
        self._data_dir = data_dir
        self._urls = tuple(data_urls)
        self.max_bytes = max_bytes

    def check(self, source: str) -> int:
        """See whether a path or an address may be read, and tell its bytes; 0 where only reading it would."""
        if "://" in source:
            self._allowed_url(source)
            return 0
        return self._below_data_dir(source).stat().st_size

    def fetch(self, source: str, files: JobFiles, check: Callable[[], None]) -> None:
        """Bring a job's input into its folder: what it scores must stay the same however often it begins anew.

        `check` is asked now and then, and raises where nobody wants it any more. Raises OSError where it is not kept.
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
        root = self._data_dir.resolve()
        try:
            path = (root / source).resolve()
            inside = path.is_relative_to(root) and path.is_file()
        except (OSError, ValueError, RuntimeError):  # the last is for links in a circle, before Python 3.13
            inside = False
        if not inside:
            raise SourceError("there is no such file below the data folder")
        return path

    def _allowed_url(self, source: str) -> None:
        """An address below one that is configured; options in an address could lead anywhere."""
        steps = unquote(source).split("/")
        if "?" in source or "#" in source or ".." in steps or not source.startswith(self._urls):
            raise SourceError("jobs may not read from that address (DATA_URLS lists where they may)")

    def _open_url(self, source: str) -> IO[bytes]:
        self._allowed_url(source)
        # Only here: most services read no object store, and its library takes its time to load.
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
