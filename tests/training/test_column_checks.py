"""Columns that identify a customer, give the target away, or say the same as another one."""

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import customers, write_csv
from conftest import train_on
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_api.registry.bundle import read_card
from churn_api.tables.notation_inference import NotationOptions
from churn_api.training.identifier_checks import identifier_evidence, may_identify
from churn_api.training.preparation import prepare
from churn_api.training.training_error import TrainingError
from churn_api.training.training_options import TrainingOptions

ROWS = 300
RNG = np.random.default_rng(7)
SHUFFLED = RNG.permutation(ROWS)


def prepared(table, tmp_path, **options):
    return prepare(write_csv(table, tmp_path / "t.csv"), TrainingOptions(target="Churn", **options))


def names(data):
    return [feature.name for feature in data.signature.features]


def remarks(data, column):
    return [remark.text for remark in data.remarks if remark.column == column]


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("code", [f"A{n}-{n * 7 % 13}" for n in SHUFFLED]),
        ("nearly", [f"A{max(n, 8)}" for n in SHUFFLED]),
        ("CustomerID", [f"{1000 + n // 2}" for n in SHUFFLED]),
        ("phone number", [str(3_000_000 + 97 * n) for n in SHUFFLED]),
        ("floats", [f"{1000 + n * n}.0" for n in range(ROWS)]),
        ("shuffled", [str(n + 5) for n in SHUFFLED]),
        ("card", [str(4_000_000_000_000_000 + 7 * n) for n in SHUFFLED]),
        ("card of two", [str(4_000_000_000_000_001 + n % 2) for n in SHUFFLED]),
        ("msisdn", [str(491_700_000_000 + 31 * n) for n in SHUFFLED]),
        ("contact", [f"a{n % 40}@mail.example" for n in SHUFFLED]),
    ],
)
def test_identifiers_are_left_out(tmp_path, name, cells):
    """A column that identifies customers is left out, with a remark that says how to keep it."""
    table = customers().assign(**{name: cells})
    data = prepared(table, tmp_path, identifier="customerID")
    assert name not in names(data)
    (remark,) = remarks(data, name)
    assert "looks like an identifier" in remark
    assert f"--include {name!r}" in remark
    kept = prepared(table, tmp_path, identifier="customerID", include=(name,))
    assert name in names(kept)
    assert remarks(kept, name) == []


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("balance", (RNG.integers(10_000, 900_000, ROWS)).astype(str)),
        ("charge", [f"{n / 7:.4f}" for n in SHUFFLED]),
        ("plan_id", [str(n % 12) for n in SHUFFLED]),
        ("visited", ["2026-01-01T" + f"{n // 60:02}:{n % 60:02}" for n in range(ROWS)]),
        ("paid", [f"{n % 90}" for n in SHUFFLED]),
        ("monkey", [str(n % 200) for n in SHUFFLED]),
    ],
)
def test_measurements_are_kept(tmp_path, name, cells):
    """Amounts, dates and categories are no identifiers, however many different values they have."""
    assert name in names(prepared(customers().assign(**{name: cells}), tmp_path, identifier="customerID"))


@settings(max_examples=50)
@given(
    st.lists(st.integers(-(10**6), 10**6), min_size=50, max_size=90), st.sampled_from(["n", "customer id", "accountNo"])
)
def test_the_same_evidence_in_every_type(numbers, name):
    """Integers, the same numbers as floats, and as text with or without .0 are evaluated alike."""
    columns = [
        pa.chunked_array([pa.array(numbers)]),
        pa.chunked_array([pa.array(numbers, pa.float64())]),
        pa.chunked_array([pa.array([str(n) for n in numbers])]),
        pa.chunked_array([pa.array([f"{n}.0" for n in numbers])]),
    ]
    assert len({identifier_evidence(name, column) for column in columns}) == 1
    assert may_identify(columns[0]) == may_identify(columns[2])


def test_integers_beyond_doubles(tmp_path):
    """Integers beyond 2^53 in Parquet are left out as identifiers, and are numbers where the user includes them."""
    table = customers().assign(account=2**53 + 1 + np.arange(ROWS))
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), tmp_path / "t.parquet")
    options = TrainingOptions(target="Churn", identifier="customerID")
    assert "account" not in names(prepare(tmp_path / "t.parquet", options))
    options = TrainingOptions(target="Churn", identifier="customerID", include=("account",))
    assert prepare(tmp_path / "t.parquet", options).signature.features[-1].type == "number"


def test_number_beyond_floats(tmp_path):
    """A number that 32 bits cannot hold is refused with its row and column."""
    table = customers().assign(spend=["1e39" if n == 10 else "5.5" for n in range(ROWS)])
    with pytest.raises(TrainingError, match=r"^row 12, column 'spend': "):
        prepared(table, tmp_path, identifier="customerID")


@pytest.mark.parametrize(
    "leak",
    [
        lambda t: np.where(t.Churn == "Yes", "moved", None),
        lambda t: [f"day {n % 60}" if c == "Yes" else None for n, c in enumerate(t.Churn)],
        lambda t: np.where(t.Churn == "Yes", 0.9, 0.1),
    ],
)
def test_target_leakage(tmp_path, leak):
    """A column that gives the target away is refused with both remedies, and each remedy works."""
    table = customers().assign(Reason=leak)
    with pytest.raises(TrainingError, match="target leakage: 'Reason'") as caught:
        prepared(table, tmp_path, identifier="customerID")
    assert "--exclude 'Reason'" in str(caught.value)
    assert "--accept-leakage 'Reason'" in str(caught.value)
    assert "Reason" not in names(prepared(table, tmp_path, identifier="customerID", exclude=("Reason",)))
    accepted = prepared(table, tmp_path, identifier="customerID", accept_leakage=("Reason",))
    assert "Reason" in names(accepted)
    assert "its leakage is accepted" in remarks(accepted, "Reason")[0]


def test_leakage_of_a_declared_signature(tmp_path):
    """Leakage is refused with a declared signature too, and may be accepted."""
    table = customers().assign(Score=lambda t: np.where(t.Churn == "Yes", 0.9, 0.1))
    declared = prepared(table, tmp_path, identifier="customerID", accept_leakage=("Score",)).signature
    declared = msgspec.structs.replace(declared, features=declared.features[-1:])
    with pytest.raises(TrainingError, match="target leakage: 'Score'"):
        prepared(table, tmp_path, signature=declared)
    assert names(prepared(table, tmp_path, signature=declared, accept_leakage=("Score",))) == ["Score"]


def test_twins_and_groups(tmp_path):
    """Columns that say the same, and numbers that rise and fall together, are named with each other, and one group."""
    table = customers().assign(
        Bond=lambda t: t.Contract.str.lower(),
        Fee=lambda t: t.MonthlyCharges,
        Yearly=lambda t: -(t.MonthlyCharges**3) + RNG.normal(0, 1, ROWS),
    )
    data = prepared(table, tmp_path, identifier="customerID")
    shared = "kept; they share their importance, and are one reason"
    assert remarks(data, "Bond") == [
        f"column 'Bond' says the same as 'Contract' in every row: {shared} (--exclude 'Bond')"
    ]
    assert remarks(data, "Fee") == [
        f"column 'Fee' says the same as 'MonthlyCharges' in every row: {shared} (--exclude 'Fee')"
    ]
    (group,) = remarks(data, "MonthlyCharges")
    assert f"rises and falls with 'Yearly' (rank correlation from 0.85): {shared}" in group
    assert remarks(data, "tenure") == []
    groups = {feature.name: feature.group for feature in data.signature.features}
    assert groups["Contract"] == groups["Bond"] == "Contract + Bond"
    assert groups["MonthlyCharges"] == groups["Fee"] == groups["Yearly"] == "MonthlyCharges + Yearly + Fee"
    assert groups["tenure"] == ""


def test_groups_of_a_declared_signature(tmp_path):
    """A declared signature keeps its own groups: none is added."""
    table = customers().assign(Fee=lambda t: t.MonthlyCharges)
    found = prepared(table, tmp_path, identifier="customerID").signature
    declared = msgspec.structs.replace(
        found, features=tuple(msgspec.structs.replace(one, group="") for one in found.features)
    )
    assert prepared(table, tmp_path, signature=declared).signature == declared


def test_long_names(tmp_path):
    """Names of more than 128 characters are all refused with --exclude, and excluding the columns works."""
    one, other = "n" * 134, "m" * 129
    drawn = {name: RNG.integers(0, 9, ROWS) for name in (one, other)}
    table = customers()[["tenure", "Contract", "Churn"]].assign(**drawn)
    with pytest.raises(TrainingError, match=f"column 4: its name has 134 .*5: .*--exclude '{one}' --exclude '{other}'"):
        prepared(table, tmp_path)
    assert names(prepared(table, tmp_path, exclude=(one, other))) == ["tenure", "Contract"]


def test_grouped_and_dropped_labels(tmp_path):
    """Rows of grouped labels get their group's class, and rows of dropped labels are dropped with a remark."""
    table = customers()
    churn = np.resize(["left", "moved", "stays", "unsure"], ROWS)
    data = prepared(
        table.assign(Churn=churn),
        tmp_path,
        identifier="customerID",
        positive="left,moved",
        negative="stays",
        drop_label=("unsure",),
    )
    assert data.labels.tolist() == [int(label != "stays") for label in churn if label != "unsure"]
    assert [remark.text for remark in data.remarks] == ["75 rows with 'unsure' as 'Churn': dropped"]
    again = prepared(table.assign(Churn=churn), tmp_path, signature=data.signature, drop_label=("unsure",))
    assert again.labels.tolist() == data.labels.tolist()
    with pytest.raises(TrainingError, match=r"^row 5: target 'Churn' is neither 'left,moved' nor 'stays'"):
        prepared(table.assign(Churn=churn), tmp_path, signature=data.signature)


@pytest.mark.parametrize(("cells", "row"), [(["7", "1_000"], 3), (["0x1F", "12"], 2), (["NA", "1_000.5", "3"], 3)])
def test_numbers_as_programs_write_them(tmp_path, cells, row):
    """A number with underscores or hexadecimal digits is refused with its row, column and remedy, with other faults."""
    table = customers().assign(units=np.resize(cells, ROWS), big=["1"] * (ROWS - 1) + ["1e39"])
    with pytest.raises(TrainingError) as caught:
        prepared(table, tmp_path, identifier="customerID")
    assert f"row {row}, column 'units': A number has neither '_' nor hexadecimal digits" in str(caught.value)
    assert f"row {ROWS + 1}, column 'big': " in str(caught.value)
    kept = prepared(
        table.drop(columns="big"), tmp_path, identifier="customerID", notation=NotationOptions(text=("units",))
    )
    assert "units" in names(kept)


@pytest.mark.parametrize("cells", [["1_000", "x"], ["1_0", "2_0"], ["18_25", "26_35"]])
def test_categories_with_underscores(tmp_path, cells):
    """Texts with underscores that are no numbers stay categories."""
    assert "units" in names(prepared(customers().assign(units=np.resize(cells, ROWS)), tmp_path))


def test_leakage_by_two_columns_together(tmp_path):
    """Columns that give the target away only together are named in a remark, and others cause none."""
    table, rng = customers(800), np.random.default_rng(5)
    before = rng.integers(0, 4, len(table))
    together = table.assign(before=before, after=before + np.where(table["Churn"] == "Yes", 1, -1))
    for version, (columns, named) in enumerate([(together, True), (table, False)], start=1):
        path = write_csv(columns, tmp_path / "t.csv")
        train_on(path, tmp_path / "models", "m", estimator="wide")
        found = [
            one.text
            for one in read_card(tmp_path / "models" / "m" / str(version)).training.remarks
            if "nearly" in one.text
        ]
        assert bool(found) == named
        assert not named or "by 'after', 'before'" in found[0]
