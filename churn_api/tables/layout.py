"""Reads the layout of a file: the range of its data, and the names of its columns."""

from pathlib import Path

from churn_api.contract.size_limits import CELL_BYTES, NO_BOUNDS, Bounds, TooManyRows
from churn_api.tables.file_parts import Layout
from churn_api.tables.formats import FORMATS
from churn_api.tables.read_options import AS_IT_IS, ReadOptions
from churn_api.tables.table_errors import TableError, TooLarge
from churn_api.tables.table_size import block_bytes


def open_table(
    path: Path,
    format: str,  # noqa: A002
    folder: Path,
    bounds: Bounds,
    options: ReadOptions = AS_IT_IS,
) -> Layout:
    """The layout of a file, or of its decompressed, decoded or regrouped copy in `folder`; with all remarks.

    Raises TableError, TooLarge where it decompresses to more than allowed, or TooManyRows.
    """
    prepared = FORMATS[format].prepare(path, folder, bounds, options)
    layout = read_layout(prepared.path, format, bounds, options)
    return layout._replace(remarks=(*prepared.remarks, *layout.remarks))


def read_layout(
    path: Path,
    format: str,  # noqa: A002
    bounds: Bounds = NO_BOUNDS,
    options: ReadOptions = AS_IT_IS,
) -> Layout:
    """The layout of a file that a format has prepared. Checks its bounds before decoding anything.

    Raises TableError where it is not a table, TooLarge, or TooManyRows.
    """
    if path.stat().st_size == 0:
        raise TableError(f"{path.name} is empty")
    form = FORMATS[format]
    layout = form.layout(path, bounds, options)
    if bounds.rows is not None and form.has_more_rows(layout, bounds.rows):
        raise TooManyRows(bounds.rows)
    columns = len(layout.names)
    # Text without a bound on rows is not counted: it may be long, and has no more cells than bytes.
    counted = layout.rows is not None or bounds.rows is not None
    if columns and counted and form.has_more_rows(layout, bounds.bytes // (columns * CELL_BYTES)):
        raise TooLarge(f"{path.name} has more cells than fit into {bounds.bytes} bytes")
    return layout._replace(block_bytes=min(block_bytes(columns), bounds.bytes))
