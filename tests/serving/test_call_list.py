"""Call lists: sorted blocks, merged, with capacity, budget and control group."""

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churn_api.scoring.costs import Costs
from churn_api.scoring.profit import SUCCESS_BAND
from churn_api.serving import call_list as call_lists
from churn_api.serving.call_list import GROUPS, merged, sorted_by_gain, write_call_list
from churn_api.serving.call_list_options import CallList
from churn_api.serving.customer_worth import NO_NUMBERS, numbers_of
from churn_api.tables.table_errors import TableError
from churn_api.tables.writers import encode

COSTS = Costs(offer=10, contact=1, value="spend", success=0.3)

rows = st.tuples(st.floats(0, 1), st.floats(0, 1000) | st.none())
blocks_of_rows = st.lists(st.lists(rows, min_size=1, max_size=20), min_size=1, max_size=6)


def write_blocks(folder: Path, blocks):
    """The blocks of a table, scored and sorted: each row is a probability and a value."""
    number, paths = 0, []
    for rows in blocks:
        probabilities, values = zip(*rows, strict=True)
        identifiers = [None if (number + row) % 7 == 6 else f"C{number + row}" for row in range(len(rows))]
        table = pa.table({"customer_id": pa.array(identifiers, pa.string()), "churn_prediction": [0] * len(rows)})
        table = table.append_column("churn_probability", pa.array(probabilities, pa.float64()))
        path = folder / f"block-{len(paths)}"
        path.write_bytes(encode(sorted_by_gain(table, COSTS, pa.array(values, pa.float64())), "arrow"))
        paths.append(path)
        number += len(rows)
    return paths


def listed(folder, blocks, salt="job", **chosen):
    pieces = []
    call_list = CallList(costs=COSTS, policy=1, **chosen)
    totals = write_call_list(call_list, salt, write_blocks(folder, blocks), folder, pieces.append).totals
    table = pa.concat_tables(pieces).to_pylist() if pieces else []
    return table, totals


def by_hand(blocks):
    """All customers whose call gains something, largest gain first."""
    customers = [row for block in blocks for row in block]
    gains = [COSTS.gain(p, math.nan if value is None else value) for p, value in customers]
    order = sorted((row for row, gain in enumerate(gains) if gain > 0), key=lambda row: -gains[row])
    return [(*customers[row], gains[row]) for row in order]


@given(blocks_of_rows, st.none() | st.integers(1, 40), st.none() | st.floats(1, 300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_as_by_hand(tmp_path, blocks, capacity, budget):
    """The list has the customers whose call gains most, in that order, as long as capacity and budget last."""
    expected, spent = [], 0.0
    for probability, value, gain in by_hand(blocks):
        spent += COSTS.spending(probability)
        if (capacity is not None and len(expected) == capacity) or (budget is not None and spent > budget):
            break
        expected.append((probability, value, gain))
    table, totals = listed(tmp_path, blocks, capacity=capacity, budget=budget)
    assert [(row["churn_probability"], row["value"], row["gain"]) for row in table] == expected
    assert {row["group"] for row in table} <= {"call"}
    assert (totals.called, totals.control, totals.worth_calling) == (len(expected), 0, len(by_hand(blocks)))
    assert totals.expected_profit == pytest.approx(sum(gain for *_, gain in expected))
    assert totals.expected_cost == pytest.approx(sum(COSTS.spending(p) for p, *_ in expected))
    assert totals.expected_kept == pytest.approx(0.3 * sum(p for p, *_ in expected))
    ends = [sum(COSTS.with_success(share).gain(p, value) for p, value, _ in expected) for share in SUCCESS_BAND]
    assert [totals.profit_low, totals.profit_high] == pytest.approx(ends)


@given(blocks_of_rows, st.integers(1, 20), st.floats(0.1, 0.5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_control(tmp_path, blocks, capacity, share):
    """The control group takes no capacity and no money, and is the same whenever the list is made."""
    table, totals = listed(tmp_path, blocks, capacity=capacity, control_share=share)
    assert listed(tmp_path, blocks, capacity=capacity, control_share=share) == (table, totals)
    groups = [row["group"] for row in table]
    assert (groups.count("call"), groups.count("control")) == (totals.called, totals.control)
    worth_calling = by_hand(blocks)
    assert [row["gain"] for row in table] == [gain for *_, gain in worth_calling[: len(table)]]
    assert totals.called == capacity or len(table) == len(worth_calling)
    called = [row for row in table if row["group"] == "call"]
    assert totals.expected_profit == pytest.approx(sum(row["gain"] for row in called))


def test_control_is_at_random(tmp_path):
    """About the share asked for is in the control group, whatever the gain; another job draws others."""
    rng = np.random.default_rng(1)
    blocks = [list(zip(rng.random(2000), rng.uniform(200, 900, 2000).tolist(), strict=True)) for _ in range(2)]
    one, totals = listed(tmp_path, blocks, control_share=0.2)
    assert totals.control / len(one) == pytest.approx(0.2, abs=0.025)
    half = len(one) // 2
    shares = [np.mean([row["group"] == "control" for row in part]) for part in (one[:half], one[half:])]
    assert shares == pytest.approx([0.2, 0.2], abs=0.04)
    other, _ = listed(tmp_path, blocks, "another job", control_share=0.2)
    both = np.mean([a["group"] == b["group"] == "control" for a, b in zip(one, other, strict=True)])
    assert both == pytest.approx(0.04, abs=0.02)
    assert {*GROUPS} == {row["group"] for row in one}


def test_many_blocks(tmp_path, monkeypatch):
    """More blocks than may be open at once are merged in steps, to the same list."""
    rng = np.random.default_rng(2)
    blocks = [[(float(p), 500.0) for p in rng.random(30)] for _ in range(25)]
    at_once = pa.concat_tables(merged(write_blocks(tmp_path, blocks), tmp_path))
    monkeypatch.setattr(call_lists, "_OPEN_FILES", 3)
    monkeypatch.setattr(call_lists, "_ROWS", 7)
    assert pa.concat_tables(merged(write_blocks(tmp_path, blocks), tmp_path)).equals(at_once)
    gains = at_once.column("gain").to_pylist()
    assert gains == sorted(gains, reverse=True)


def test_columns_of_values():
    """Numbers, decimals and texts with numbers are values, blanks are none; whatever else is refused."""
    texts = pa.chunked_array([["12.5", " 3 ", "", None]])
    assert numbers_of(texts).tolist() == pytest.approx([12.5, 3, math.nan, math.nan], nan_ok=True)
    assert numbers_of(pa.chunked_array([[1, 2, None]])).tolist() == pytest.approx([1, 2, math.nan], nan_ok=True)
    for wrong in (["high"], [True], ["1,5 €"], ["nan"]):
        with pytest.raises(TableError, match=NO_NUMBERS):
            numbers_of(pa.chunked_array([wrong]))
