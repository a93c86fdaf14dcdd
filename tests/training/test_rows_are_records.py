"""The columns of the training table are the API: its rows, as JSON, are valid records."""

import io

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churn_api.contract.batch_reader import BatchReader
from churn_api.scoring.sklearn import to_frame
from churn_api.training.preparation import prepare
from churn_api.training.training_options import TrainingOptions

ROWS = 60
COLUMNS = {
    "integers": lambda rng: rng.integers(-1000, 1000, ROWS),
    "fractions": lambda rng: rng.normal(0, 1e3, ROWS).round(4),
    "signs": lambda rng: [f"{number:+d}" for number in rng.integers(-9, 9, ROWS)],
    "Yes and No": lambda rng: rng.choice(["Yes", "No"], ROWS),
    "ones": lambda rng: rng.integers(0, 2, ROWS),
    "floating ones": lambda rng: rng.choice(["1.0", "0.0"], ROWS),
    "booleans": lambda rng: rng.choice([True, False], ROWS),
    "Y and N": lambda rng: rng.choice(["Y", "N"], ROWS),
    "categories": lambda rng: rng.choice(["Größe 1", "b", "007"], ROWS),
    "dates": lambda rng: (np.datetime64("2026-01-01") - rng.integers(0, 900, ROWS)).astype(str),
    "times": lambda rng: (np.datetime64("2026-01-01T08:00:00") - rng.integers(0, 10**8, ROWS)).astype(str),
}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=6, unique=True),
    blank=st.sampled_from([0.0, 0.2]),
    seed=st.integers(0, 2**32),
)
def test_rows_of_the_table(tmp_path, names, blank, seed):
    """Each row, as pandas writes it in JSON, is a valid record with the values that training read."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({name: pd.Series(COLUMNS[name](rng)).mask(rng.random(ROWS) < blank) for name in names})
    table["Churn"] = rng.permutation(["yes", "no"] * (ROWS // 2))
    table.to_csv(tmp_path / "t.csv", index=False)
    data = prepare(tmp_path / "t.csv", TrainingOptions(target="Churn"))
    wanted = [feature.name for feature in data.signature.features]
    rows = pd.read_csv(tmp_path / "t.csv")[wanted].to_json(orient="records")
    batch = BatchReader(data.signature).read_many(b'{"customers": %b}' % rows.encode(), ROWS)
    assert batch.faults == []
    pd.testing.assert_frame_equal(to_frame(batch.columns, data.signature), data.frame)


@pytest.mark.parametrize("text", ["date\n2026-01-30", "date\n2026-01-30 08:00:00"])
def test_timestamps_of_parquet(tmp_path, text):
    """Dates of a Parquet file give the days that the same dates give as text, in every unit of time."""
    days = set()
    for unit in ("s", "ms", "us", "ns"):
        table = pd.read_csv(io.StringIO(text), parse_dates=["date"]).astype(f"datetime64[{unit}]")
        table = pd.concat([table] * ROWS, ignore_index=True).assign(other=range(ROWS))
        table["date"] = table["date"] - pd.to_timedelta(np.arange(ROWS), unit="D").astype(f"timedelta64[{unit}]")
        table.assign(Churn=["yes", "no"] * (ROWS // 2)).to_parquet(tmp_path / "t.parquet")
        data = prepare(tmp_path / "t.parquet", TrainingOptions(target="Churn"))
        assert next(f.type for f in data.signature.features if f.name == "date") == "date"
        record = orjson.dumps({"date": text.split("\n")[1]})
        days.add((BatchReader(data.signature).read_one(record).columns.numbers[0, 0], data.frame["date"].iloc[0]))
    assert len(days) == 1
    assert len(set(days.pop())) == 1
