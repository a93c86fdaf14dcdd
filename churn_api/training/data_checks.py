"""Checks of a table before training, which find suspicious columns and rows."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.tree import DecisionTreeClassifier

from churn_api.contract.text_values import NUMBER
from churn_api.tables.cell_text import as_text, trimmed
from churn_api.tables.inference import infer_type
from churn_api.tables.notation_inference import MISSING_MARKERS
from churn_api.training.candidates import SEED
from churn_api.training.evaluation_metrics import Labels

LEAKAGE_AUC = 0.98
"""ROC-AUC of a single column from which it counts as target leakage."""

MOSTLY_NUMBERS = 0.9
_MAX_ROWS = 20_000
_OF_PROGRAMS = r"^[-+]?(0[xX][0-9a-fA-F]+|[0-9]{1,3}(_[0-9]{3})+(\.[0-9]*)?)$"


def constant_columns(table: pa.Table, names: list[str]) -> list[str]:
    """Columns with the same value, or none, in every row."""
    return [name for name in names if pc.count_distinct(table.column(name), mode="all").as_py() <= 1]


def text_that_was_numbers(table: pa.Table, names: list[str]) -> list[str]:
    """Columns read as text in which at least nine cells of ten are numbers."""
    return [
        name for name in names if infer_type(table.column(name)) == "string" and _mostly_numbers(table.column(name))
    ]


def numbers_of_programs(table: pa.Table, name: str) -> int | None:
    """The first row of a text column of numbers in which one is written as programs write it: 1_000 or 0x3E8."""
    cells = trimmed(as_text(table.column(name)))
    strange = pc.match_substring_regex(cells, _OF_PROGRAMS)
    fits = pc.or_(strange, pc.match_substring_regex(cells, NUMBER))
    known = pc.or_(fits, pc.is_in(pc.utf8_lower(cells), value_set=pa.array(MISSING_MARKERS)))
    row = pc.index(strange, True).as_py()
    return row if row >= 0 and pc.all(known).as_py() else None


def duplicate_rows(table: pa.Table) -> int:
    """The number of rows that repeat another row in every cell."""
    return int(table.num_rows - table.group_by(table.column_names).aggregate([]).num_rows)


def target_leakage(frame: pd.DataFrame, labels: Labels) -> dict[str, float]:
    """Columns that almost determine the target by themselves, with their ROC-AUC; probably known only afterwards."""
    rows = np.random.default_rng(SEED).permutation(len(labels))[:_MAX_ROWS]
    areas = {str(name): _single_column_auc(frame[name].iloc[rows], labels[rows]) for name in frame.columns}
    return {name: area for name, area in areas.items() if area >= LEAKAGE_AUC}


def _single_column_auc(column: pd.Series, labels: Labels) -> float:
    """Cross-validated ROC-AUC of a small tree on one column; categories by their code, missing values below all."""
    values = column.to_numpy() if column.dtype.kind == "f" else column.astype("category").cat.codes.to_numpy()
    tree = DecisionTreeClassifier(max_depth=4, min_samples_leaf=5, random_state=SEED)
    scores = cross_val_predict(tree, values.reshape(-1, 1), labels, cv=3, method="predict_proba")[:, 1]
    return float(roc_auc_score(labels, scores))


def _mostly_numbers(column: pa.ChunkedArray) -> bool:
    cells = trimmed(as_text(column).drop_null())
    numbers = pc.sum(pc.match_substring_regex(cells, NUMBER)).as_py() or 0
    return len(cells) > 0 and bool(numbers >= MOSTLY_NUMBERS * len(cells))
