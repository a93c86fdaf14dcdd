"""The output of a command: a file that is written atomically, or stdout."""

import gzip
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from churn_api.cli.command_helpers import refuse
from churn_api.tables.formats import FORMATS

PIPE = "-"
GZIPPED = ".gz"


def check_output(target: str, *others: str) -> None:
    """Refuse, before any work is done, an output that cannot be written or would replace one of the other files."""
    if target == PIPE:
        return
    path = Path(target)
    if path.is_dir():
        refuse(f"{target} is a folder: name a file in it")
    if _is_device(path):
        if not os.access(path, os.W_OK):
            refuse(f"{target} cannot be written: it is not yours to write to")
        return
    _check_folder(target, path.resolve().parent if path.exists() else path.parent)
    for other in others:
        if other != PIPE and path.resolve() == Path(other).resolve():
            refuse(f"{target} would replace a file that is needed: name another")


def _check_folder(target: str, folder: Path) -> None:
    if not folder.is_dir():
        refuse(f"{target} cannot be written: there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        refuse(f"{target} cannot be written: the folder {folder} is not yours to write to")


def check_terminal(target: str, format: str) -> None:  # noqa: A002
    """Refuse to write a binary format to a terminal."""
    if target == PIPE and FORMATS[format].binary and sys.stdout.isatty():
        refuse(f"{FORMATS[format].title} is binary and cannot be read on a terminal: name a file with -o")


@contextmanager
def atomic_output(target: str) -> Iterator[BinaryIO]:
    """A file that appears when it is complete, gzipped where its name ends in .gz; or stdout.

    A device or a pipe is written as it is. A link stays, and the file that it leads to is replaced.
    """
    if target == PIPE:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with _opened(Path(target)) as file:
        if target.lower().endswith(GZIPPED):
            # Without time and name in the header, the same table gives the same bytes.
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as zipped:
                yield zipped  # type: ignore[misc]  # a GzipFile is written to like any file
        else:
            yield file


def _opened(path: Path) -> AbstractContextManager[BinaryIO]:
    # A device or a pipe would itself be replaced by a file: for root, /dev/null too.
    if _is_device(path):
        return path.open("wb")
    from churn_api.jobs.files import atomic_write

    return atomic_write(path.resolve())


def _is_device(path: Path) -> bool:
    """Whether something is there that is no regular file: a device, a pipe, a socket."""
    return path.exists() and not path.is_file() and not path.is_dir()
