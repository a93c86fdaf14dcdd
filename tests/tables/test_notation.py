"""How tables write values: markers, units, separators and dates are found, and read the same in scoring."""

import math
from datetime import date

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_api.contract.record import RecordReader
from churn_api.contract.signature import Signature, SignatureError, Target
from churn_api.tables.in_memory import read_in_memory
from churn_api.tables.inference import infer_signature
from churn_api.tables.notation_inference import MISSING_MARKERS, NotationOptions, infer_notations

TARGET = Target(name="Churn", positive="Yes", negative="No")


def inferred(cells, **options) -> tuple[Signature, list]:
    table = pa.table({"x": pa.array(cells, pa.string()), "Churn": pa.array(["Yes", "No"] * len(cells))[: len(cells)]})
    written = infer_notations(table, NotationOptions(**options))
    signature = infer_signature(
        written.plain, TARGET, None, notations=written.notations, text=options.get("text", ()), as_of=date(2026, 1, 31)
    )
    return signature, written.remarks


def scored(signature, cells):
    """The numbers that scoring reads, None for a fault."""
    rows = read_in_memory(pa.table({"x": pa.array(cells, pa.string())}), RecordReader(signature), typed=False)
    values = dict(zip(rows.good.tolist(), rows.columns.numbers[:, 0].tolist(), strict=True))
    return [values.get(row) for row in range(len(cells))]


@pytest.mark.parametrize(
    ("cells", "kind", "numbers"),
    [
        (["1", "2", "+3"], "integer", [1, 2, 3]),
        (["11 %", "12.5%", "-3 %"], "number", [11, 12.5, -3]),
        (["$1,230.50", "-$5", "$7"], "number", [1230.5, -5, 7]),
        (["12 €", "1.234,50 €"], "number", [12, 1234.5]),
        (["1,5", "2,25", "3"], "number", [1.5, 2.25, 3]),
        (["1,234", "12", "1,234,567"], "integer", [1234, 12, 1234567]),
        (["0,123", "0,5"], "number", [0.123, 0.5]),
        (["1 234,5", "12"], "number", [1234.5, 12]),
        (["1'234.5", "12"], "number", [1234.5, 12]),
        (["Y", "n", "Y"], "boolean", [1, 0, 1]),
        (["T", "F", "T"], "boolean", [1, 0, 1]),
        (["True.", "False.", "True."], "boolean", [1, 0, 1]),
        (["1.0", "0.0", "1.0"], "boolean", [1, 0, 1]),
        (["2026-01-30", "2026-01-31"], "date", [1, 0]),
        (["30.01.2026", "31.12.2025"], "date", [1, 31]),
        (["01/30/2026", "12/31/2025"], "date", [1, 31]),
        (["30-Jan-2026", "31-Dec-2025"], "date", [1, 31]),
        (["2026-01-30 12:00:00", "2026-01-30 12:00:00.000000"], "date", [0.5, 0.5]),
    ],
)
def test_read_as_people_write(cells, kind, numbers):
    """A column is typed by what its cells mean, and scoring reads the same values from them."""
    signature, _ = inferred(cells)
    assert signature.features[0].type == kind
    assert scored(signature, cells) == numbers


@pytest.mark.parametrize("cells", [["A", "unknown", "B"], ["1 apple", "2 pears"], ["007", "010"], ["1.2.3", "1.2.4"]])
def test_categories_stay(cells):
    """Texts that are no numbers, dates or booleans stay categories, a marker of missing values among them."""
    signature, remarks = inferred(cells)
    assert (signature.features[0].type, set(signature.features[0].choices), remarks) == ("string", set(cells), [])


@given(st.sampled_from(MISSING_MARKERS), st.sampled_from([["1", "2.5"], ["yes", "no"], ["2026-01-30", "2026-01-31"]]))
def test_markers_of_missing_values(marker, values):
    """Any marker among numbers, dates or booleans is a missing value, in any case, and a remark counts it."""
    signature, (remark,) = inferred([*values, marker.upper(), marker.upper()])
    feature = signature.features[0]
    assert (feature.type != "string", feature.nullable, feature.required) == (True, True, False)
    assert (remark.column, remark.seen) == ("x", f"has {marker.upper()!r} in 2 cells")
    assert [math.isnan(number) for number in scored(signature, [values[0], f" {marker} "])] == [False, True]


def test_markers_of_the_user():
    """A marker that the user names is missing in categories too."""
    signature, (remark,) = inferred(["A", "B", "tbd"], missing=("TBD",))
    assert signature.features[0].choices == ("A", "B")
    assert remark.done == "read as missing"


def test_text_as_it_is():
    """A column that the user calls text keeps its cells, markers and units too."""
    signature, remarks = inferred(["1", "NA", "2 %"], text=("x",))
    assert (signature.features[0].choices, remarks) == (("1", "2 %", "NA"), [])


@pytest.mark.parametrize(
    ("cells", "bad"),
    [
        (["1,5", "2,25"], "1.5"),
        (["$1,230.50", "$7"], "1.230,50"),
        (["30.01.2026", "31.01.2026"], "31.02.2026"),
        (["1", "NA"], "missing value"),
        (["1,234", "5"], "12,34"),
    ],
)
def test_cells_that_do_not_fit(cells, bad):
    """Scoring applies the notation of training: a cell in another one is a fault of its row, not a guess."""
    signature, _ = inferred(cells)
    table = pa.table({"x": pa.array([*cells, bad], pa.string())})
    rows = read_in_memory(table, RecordReader(signature), typed=False)
    assert [(fault.row, fault.column, fault.code) for fault in rows.faults] == [(len(cells), "x", "wrong-type")]
    assert bad not in rows.faults[0].message


def test_ambiguous_dates():
    """Dates that could be read with the day or the month first are not guessed."""
    table = pa.table({"x": ["01/02/2026", "03/04/2026"]})
    assert set(infer_notations(table, NotationOptions()).ambiguous_dates["x"]) == {"%d/%m/%Y", "%m/%d/%Y"}
    decided = infer_notations(table, NotationOptions(date_format="%d/%m/%Y"))
    assert decided.plain.column("x").to_pylist() == ["2026-02-01T00:00:00", "2026-04-03T00:00:00"]


@given(
    st.lists(st.decimals(-10_000_000, 10_000_000, places=2), min_size=2, max_size=6),
    st.sampled_from([(".", ","), (",", "."), (",", ""), (".", " "), (".", "'")]),
    st.sampled_from(["{}", "{} %", "${}", "{} EUR"]),
)
def test_any_number_in_any_notation(numbers, separators, unit):
    """However a column writes numbers, they come back as they were."""
    decimal, thousands = separators
    numbers = [*numbers, 1234567]  # one that shows its separators
    plain = [
        f"{abs(number):,.2f}".replace(",", "\0").replace(".", decimal).replace("\0", thousands) for number in numbers
    ]
    cells = [("-" if number < 0 else "") + unit.format(text) for number, text in zip(numbers, plain, strict=True)]
    signature, _ = inferred(cells)
    assert scored(signature, cells) == pytest.approx([float(number) for number in numbers])


@pytest.mark.parametrize("kind", [pa.date32(), pa.timestamp("ns"), pa.string()])
def test_dates_with_types(kind):
    """A model whose table wrote dates its own way also reads a format's dates, and ISO text."""
    signature, _ = inferred(["30.01.2026", "31.01.2026"])
    cells = pa.array([date(2026, 1, 30)], pa.date32()).cast(kind)
    assert read_in_memory(pa.table({"x": cells}), RecordReader(signature)).columns.numbers[:, 0].tolist() == [1]


def test_numbers_among_texts():
    """Of a workbook's numbers among texts none is misread: one that the notation reads otherwise is a fault."""
    signature, _ = inferred(["1.234,5", "2"])
    table = pa.table({"x": ["12.5", "1234.567", "1.234,5", "1.234"]})
    rows = read_in_memory(table, RecordReader(signature))
    assert rows.columns.numbers[:, 0].tolist() == [12.5, 1234.567, 1234.5]
    assert [fault.row for fault in rows.faults] == [3]


def test_format_of_the_user():
    """A format of dates that the user names comes before any guess: numbers and words can be dates."""
    assert inferred(["20260130", "20260131"], date_format="%Y%m%d")[0].features[0].type == "date"
    assert inferred(["31Jan2026", "30Jan2026"], date_format="%d%b%Y")[0].features[0].type == "date"


def test_latest_of_zones():
    """The latest date is that of the latest instant, whatever zone it is written in."""
    table = pa.table({"x": ["2026-01-31T23:00:00-05:00", "2026-01-31T23:30:00Z"]})
    (feature,) = infer_signature(table, TARGET, None).features
    assert feature.reference == "2026-02-01"


@pytest.mark.parametrize(
    "notation",
    [
        {"thousands": "."},
        {"decimal": ",", "thousands": ","},
        {"missing": ["N/A"]},
        {"missing": [""]},
        {"unit": "-"},
        {"unit": "5"},
        {"unit": "x" * 65},
        {"date_format": "%d.%d.%Y"},
        {"date_format": "%Q"},
        {"date_format": "%"},
        {"date_format": "%m/%Y"},
    ],
)
def test_notations_that_contradict(notation):
    """A declared notation that would misread a table, or fail while it is read, is refused with the signature."""
    declared = {"features": [{"name": "x", "type": "number", "notation": notation}]}
    with pytest.raises(SignatureError):
        Signature.from_json(orjson.dumps(declared | {"target": {"name": "Churn", "positive": "Yes", "negative": "No"}}))
