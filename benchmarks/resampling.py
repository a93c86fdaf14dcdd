"""Large tables: rows drawn, with replacement, from a small one, each with an identifier of its own."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

SEED = 7
PIECE = 1 << 17
"""Rows of a piece, which is a row group of Parquet too."""


def write_tables(table: Path, target: str, identifier: str, rows: int, parquet: Path, csv: Path) -> None:
    """The same rows as Parquet and as CSV, without the target, written piece by piece."""
    source = _typed(table).drop_columns([target])
    place = source.column_names.index(identifier)
    schema = source.schema.set(place, pa.field(identifier, pa.string()))
    options = pyarrow.csv.WriteOptions(quoting_style="none", quoting_header="none")
    with (
        pyarrow.parquet.ParquetWriter(parquet, schema) as stored,
        pyarrow.csv.CSVWriter(csv, schema, write_options=options) as written,
    ):
        for piece in _pieces(source, place, schema, rows):
            stored.write_table(piece)
            written.write_table(piece)


def _typed(table: Path) -> pa.Table:
    """A CSV with numbers as numbers, and empty fields where values are blank."""
    options = pyarrow.csv.ConvertOptions(null_values=["", " "], strings_can_be_null=True)
    return pyarrow.csv.read_csv(table, convert_options=options)


def _pieces(source: pa.Table, place: int, schema: pa.Schema, rows: int) -> Iterator[pa.Table]:
    random = np.random.default_rng(SEED)
    for start in range(0, rows, PIECE):
        stop = min(start + PIECE, rows)
        drawn = source.take(random.integers(0, source.num_rows, stop - start))
        yield drawn.set_column(place, schema.field(place), [[f"C{row:09d}" for row in range(start, stop)]])
