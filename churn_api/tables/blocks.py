"""Splits a file into blocks at the ends of rows. The split is deterministic, also when it resumes after a block."""

from collections.abc import Iterator

from churn_api.tables.file_parts import Block, Layout
from churn_api.tables.formats import FORMATS


def blocks(layout: Layout, after: Block | None = None) -> Iterator[Block]:
    """A file's blocks in order: all of them, or those after `after`. Raises TableError where a row does not end."""
    number, start = (after.number + 1, after.stop) if after else (0, layout.start)
    for stop in FORMATS[layout.format].stops(layout, start):
        if stop > start:
            yield Block(number, start, stop)
            number, start = number + 1, stop
