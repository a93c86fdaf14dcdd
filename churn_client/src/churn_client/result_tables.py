"""Files of scored rows -> Arrow tables."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
from pyarrow import csv, json, parquet


def _read_stream(path: Path) -> pa.Table:
    with path.open("rb") as file:
        return pa.ipc.open_stream(file).read_all()


_READERS: dict[str, Callable[[Path], pa.Table]] = {
    "arrow": _read_stream,
    "csv": csv.read_csv,
    "ndjson": json.read_json,
    "parquet": parquet.read_table,
}


def read_table(path: Path, format: str) -> pa.Table:  # noqa: A002 - the job's member
    """Read a file of a format. Raises ValueError for a format that Arrow does not read."""
    if format not in _READERS:
        raise ValueError(f"a result of the format {format!r} is no table here: save it to a file")
    return _READERS[format](path)
