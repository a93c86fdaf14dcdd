"""Blocks of a table, scored with a real model."""

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from builders import customers, write_csv

from churn_api.registry.model import load_model
from churn_api.scoring.sklearn import ROWS_AT_ONCE
from churn_api.serving.table_scorer import TableScorer
from churn_api.tables.blocks import blocks
from churn_api.tables.file_parts import BLOCK_ROWS as ROWS
from churn_api.tables.file_parts import Block
from churn_api.tables.layout import read_layout
from churn_api.tables.training_table import read_table, to_columns


@pytest.fixture
def model(models_dir):
    return load_model(models_dir / "small" / "1")


def test_more_rows_than_are_scored_at_once(model, tmp_path):
    """Each row of a large block gets the model's probability, at its own position."""
    few = read_table(write_csv(customers(), tmp_path / "few.csv"))
    drawn = few.take(np.random.default_rng(1).integers(0, few.num_rows, 2 * ROWS_AT_ONCE + 5))
    pyarrow.csv.write_csv(drawn, tmp_path / "many.csv")
    layout = read_layout(tmp_path / "many.csv", "csv")
    (block,) = blocks(layout)
    in_memory = TableScorer(model, layout, (), None).score_table(block)
    table, scored = in_memory.table, in_memory.result
    assert (scored.rows, scored.bad_rows) == (drawn.num_rows, 0)
    expected = model.score(to_columns(drawn, model.card.signature))
    assert table.column("churn_probability").to_numpy() == pytest.approx(expected, abs=1e-6)


def test_long_identifiers_that_repeat(model, tmp_path):
    """Parquet's dictionary of long texts, which is decoded fewer rows at a time, leaves every row in its block."""
    table = customers(ROWS + 500)
    identifiers = [f"{number % 3000:0120}" for number in range(len(table))]
    table.assign(customerID=identifiers).to_parquet(tmp_path / "long.parquet", index=False)
    layout = read_layout(tmp_path / "long.parquet", "parquet")
    scorer = TableScorer(model, layout, (), None)
    scored = [scorer.score_table(block).table for block in blocks(layout)]
    assert pa.concat_tables(scored).column("customer_id").to_pylist() == identifiers


def test_no_rows(model, tmp_path):
    """A block without rows has the result's columns, and no rows."""
    layout = read_layout(write_csv(customers(), tmp_path / "few.csv"), "csv")
    in_memory = TableScorer(model, layout, (), None).score_table(Block(0, layout.start, layout.start))
    table, scored = in_memory.table, in_memory.result
    assert (table.num_rows, scored.rows) == (0, 0)
    assert table.schema.field("churn_probability").type == pa.float64()


def test_a_large_row_group(model, tmp_path):
    """Of a row group that is read in pieces, every row and every fault keeps its position."""
    few = read_table(write_csv(customers(), tmp_path / "few.csv"))
    rows = 2 * ROWS + 5
    drawn = few.take(np.random.default_rng(2).integers(0, few.num_rows, rows))
    bad = [3, ROWS, rows - 1]
    index = drawn.column_names.index("Region")
    regions = drawn.column(index).to_numpy().copy()
    regions[bad] = "Atlantis"
    pyarrow.parquet.write_table(drawn.set_column(index, "Region", [regions]), tmp_path / "many.parquet")
    layout = read_layout(tmp_path / "many.parquet", "parquet")
    (block,) = blocks(layout)
    in_memory = TableScorer(model, layout, (), None).score_table(block)
    table, scored = in_memory.table, in_memory.result
    assert [(fault.row, fault.line, fault.column) for fault in scored.faults] == [(row, row, "Region") for row in bad]
    assert (scored.block, scored.rows, scored.lines, scored.bad_rows) == (block, rows, rows, 3)
    good = np.delete(np.arange(rows), bad)
    expected = model.score(to_columns(drawn, model.card.signature))
    assert table.column("churn_probability").is_null().to_numpy().nonzero()[0].tolist() == bad
    assert table.column("churn_probability").to_numpy()[good] == pytest.approx(expected[good], abs=1e-6)
