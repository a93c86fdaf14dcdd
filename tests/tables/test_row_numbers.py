"""Rows are named by their numbers in the file, whatever was dropped or skipped above them."""

import json
import re

import pytest
from builders import customers, feature, signature
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_api.cli import main
from churn_api.tables.read_options import ReadOptions
from churn_api.tables.table_errors import TableError
from churn_api.tables.training_table import read_table, to_columns
from churn_api.training.preparation import prepare
from churn_api.training.training_error import TrainingError
from churn_api.training.training_options import TrainingOptions

SIGNATURE = signature(feature("n"))
NAMED = re.compile(r"row (\d+)(?: \(line (\d+)\))?")


def named(text: str) -> tuple[int, int]:
    """The first row that an error names, and the line where it begins."""
    row, line = NAMED.search(text).groups()
    return int(row), int(line or row)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.sampled_from(["5,a\n", "\n", "\r\n", '6,"b\nb"\n']), max_size=12),
    st.integers(0, 2),
    st.sampled_from(["x,a\n", "1,2,3\n", 'x,"b\n\n"\n']),
)
def test_rows_and_lines_of_csv(tmp_path_factory, rows, skipped, bad):
    """An error names the row as the scoring of the same file does, and the line where it begins in the file."""
    folder = tmp_path_factory.mktemp("t")
    above = "".join(f"title {number}\n" for number in range(skipped)) + "n,name\n"
    text = above + "".join(rows) + bad + "7,c\n"
    (folder / "t.csv").write_text(text, newline="")
    with pytest.raises(TableError) as caught:
        to_columns(read_table(folder / "t.csv", ReadOptions(skip_rows=skipped)), SIGNATURE)
    records = [row for row in rows if row.strip()]
    before = text.index(bad, len(above)) if not records else len(above + "".join(rows))
    assert named(str(caught.value)) == (skipped + 2 + len(records), text[:before].count("\n") + 1)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(['{"n": 5}\n', "\n", " \n"]), max_size=12))
def test_rows_and_lines_of_ndjson(tmp_path_factory, rows):
    """Blank lines do not count as rows of NDJSON, and do count as lines."""
    folder = tmp_path_factory.mktemp("t")
    (folder / "t.ndjson").write_text("".join(rows) + '{"n": "x"}\n')
    with pytest.raises(TableError) as caught:
        to_columns(read_table(folder / "t.ndjson"), SIGNATURE)
    assert named(str(caught.value)) == (len([row for row in rows if row.strip()]) + 1, len(rows) + 1)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(["Yes", "No", "", "other"]), min_size=1, max_size=40), st.booleans(), st.booleans())
def test_rows_after_dropped_ones(tmp_path_factory, labels, second, total):
    """A cell at fault has its number in the file, below rows without a label and dropped labels."""
    folder = tmp_path_factory.mktemp("t")
    rows = [["Per month", "Years", "Left"]] * second + [["7", "3", label] for label in labels]
    rows += [[str(n * 7 % 11), str(n * 5 % 13), "Yes" if n % 3 else "No"] for n in range(60)]
    rows += [["1e39", "4", "No"], *[["Total", "", "Yes"]] * total]
    (folder / "t.csv").write_text("fee,age,Churn\n" + "".join(",".join(row) + "\n" for row in rows))
    dropped = ("other",) if "other" in labels else ()
    with pytest.raises(TrainingError) as caught:
        prepare(folder / "t.csv", TrainingOptions(target="Churn", drop_label=dropped))
    assert named(str(caught.value))[0] == 1 + len(rows) - total


def test_rows_of_score_below_skipped_lines(models_dir, tmp_path, monkeypatch):
    """`churn-api score` numbers rows as the file does: skipped lines count, and blank lines are in the line alone."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models_dir))
    header, *rows = customers(5).to_csv(index=False).splitlines()
    rows[3] = rows[3].replace("C00003,", "C00003,s3cret")
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["Report", header, rows[0], "", *rows[1:]]) + "\n")
    arguments = ["score", str(path), "--model", "small", "--skip-rows", "1", "--errors", str(tmp_path / "e.ndjson")]
    assert CliRunner().invoke(main, arguments).exit_code == 2
    fault = json.loads((tmp_path / "e.ndjson").read_text())
    assert (fault["row"], fault["line"], fault["column"]) == (6, 7, "tenure")
    printed = CliRunner().invoke(main, arguments[:-2]).stderr
    assert "row 6 (line 7), column 'tenure'" in printed
