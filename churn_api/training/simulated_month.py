"""A month of simulated customers, as the sample table has them. In the last week one feature drifts."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from churn_api.training.sample import sample_table

DAYS, CUSTOMERS = 30, 600
DRIFT_DAYS, DRIFT = 7, 1.25
"""Days before today from which on charges are higher, and how much."""
DRIFTING, IDENTIFIER, TARGET = "monthly_charges", "customer_id", "churn"
FEATURES = frozenset(sample_table(1, 0).columns) - {IDENTIFIER, TARGET}


class SimulatedDay(NamedTuple):
    """The customers of a day, and who of them is going to leave."""

    day: date
    customers: int
    records: bytes
    """The body of a batch."""
    leavers: list[str]
    """Their identifiers."""


def simulated_days(seed: int, today: date) -> Iterator[SimulatedDay]:
    """The days before today, the same for the same seed; no customer comes twice."""
    for number in range(DAYS):
        table = sample_table(CUSTOMERS, seed + number)
        table[IDENTIFIER] = [f"DEMO{number * CUSTOMERS + row:06d}" for row in range(CUSTOMERS)]
        ago = DAYS - number
        if ago <= DRIFT_DAYS:
            table[DRIFTING] = (table[DRIFTING] * DRIFT).round(2)
        records = table.drop(columns=TARGET).to_json(orient="records")
        leavers = table[IDENTIFIER][table[TARGET] == "Yes"].tolist()
        yield SimulatedDay(today - timedelta(days=ago), CUSTOMERS, b'{"customers":' + records.encode() + b"}", leavers)
