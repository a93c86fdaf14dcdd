"""Cells made to take long: what looks at single cells and bytes takes time in proportion to them."""

import signal

import pytest

from churn_api.contract.size_limits import NO_BOUNDS
from churn_api.tables.cell_patterns import is_number, is_value
from churn_api.tables.csv_header import read_header
from churn_api.tables.encodings import likely_encoding
from churn_api.tables.excel_dates import date_styles

CASES = {
    "blanks": lambda n: is_number("1" + " " * n + "x"),
    "digits": lambda n: is_number("1" * n + "x"),
    "points": lambda n: is_number("1" + ".1" * n + "x"),
    "an address": lambda n: is_value("a@" + "." * n + "@"),
    "a fraction": lambda n: is_value("1" * n + "x"),
    "a number format": lambda n: date_styles([{"numFmtId": "200", "formatCode": "[" * n}], []),
    "no UTF-8": lambda n: likely_encoding(b"\xff" * n),
}


@pytest.mark.parametrize("case", CASES)
def test_in_proportion(case):
    """A million characters are read before the alarm, which comes long after; by their square they would take hours."""

    def end(*_):
        raise AssertionError("the work grows by the square of a cell's length")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(60)
    try:
        CASES[case](1_000_000)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("data", "skip_rows", "names"),
    [
        (b"x" * 65535 + b"\r\na,b\r\n1,2\r\n", 1, ("a", "b")),
        (b"\n" * 70000 + b"a,b\n1,2\n", 0, ("a", "b")),
        (b"\n" * 65532 + b"sep=;\na;b,c\n1;2\n", 0, ("a", "b,c")),
        (b"a,b\r", 0, ("a", "b")),
        (b"a,b", 0, ("a", "b")),
    ],
)
def test_header_at_the_end_of_a_piece(tmp_path, data, skip_rows, names):
    """A header is found wherever the pieces end in which a file is read."""
    (tmp_path / "t.csv").write_bytes(data)
    assert read_header(tmp_path / "t.csv", NO_BOUNDS, skip_rows).names == names
