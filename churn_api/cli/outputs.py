"""Where a command writes: a file that is there when it is whole, or stdout."""

import gzip
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from churn_api.cli.command_helpers import refuse
from churn_api.tables.formats import FORMATS

PIPE = "-"
GZIPPED = ".gz"


def check_output(target: str, *others: str) -> None:
    """Refuse what could not be written, or would replace one of the other files, before any work is done."""
    if target == PIPE:
        return
    path, folder = Path(target), Path(target).parent
    if path.is_dir():
        refuse(f"{target} is a folder: name a file in it")
    if not folder.is_dir():
        refuse(f"{target} cannot be written: there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        refuse(f"{target} cannot be written: the folder {folder} is not yours to write to")
    for other in others:
        if other != PIPE and path.resolve() == Path(other).resolve():
            refuse(f"{target} would replace a file that is needed: name another")


def check_terminal(target: str, format: str) -> None:  # noqa: A002
    """Refuse to show somebody bytes that are no text."""
    if target == PIPE and FORMATS[format].binary and sys.stdout.isatty():
        refuse(f"{FORMATS[format].title} is nothing to read on a terminal: name a file with -o")


@contextmanager
def atomic_output(target: str) -> Iterator[BinaryIO]:
    """A file that is there when it is whole, gzipped where its name says so; or stdout."""
    if target == PIPE:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    from churn_api.jobs.files import atomic_write

    with atomic_write(Path(target)) as file:
        if target.lower().endswith(GZIPPED):
            # Neither a time nor a name: the same table gives the same bytes.
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as zipped:
                yield zipped  # type: ignore[misc]  # a GzipFile is written to like any file
        else:
            yield file
