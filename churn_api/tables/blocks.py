"""Blocks: a file cut at the ends of rows. The same file is cut at the same places, wherever the cutting began."""

from collections.abc import Iterator

from churn_api.tables.file_parts import BLOCK_ROWS, Block, Layout
from churn_api.tables.formats import FORMATS

__all__ = ["BLOCK_ROWS", "Block", "blocks"]


def blocks(layout: Layout, after: Block | None = None) -> Iterator[Block]:
    """A file's blocks in order: all, or those after one. Raises TableError where a row does not end."""
    number, start = (after.number + 1, after.stop) if after else (0, layout.start)
    for stop in FORMATS[layout.format].stops(layout, start):
        if stop > start:
            yield Block(number, start, stop)
            number, start = number + 1, stop
