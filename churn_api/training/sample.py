"""Generates a realistic table of customers from a seed, for a first model and for experiments.

The churn mechanism, in log-odds: churn is more likely with a month-to-month contract, a high monthly charge for the
tenure, fibre, payment by electronic check, and each support call; less likely with each year of tenure (the first year
has the largest effect), technical support, and age. A third of the effect of support calls applies only to customers in
their first year. The rest is random noise.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

CONTRACTS = ("Month-to-month", "One year", "Two year")
PAYMENTS = ("Electronic check", "Mailed check", "Bank transfer", "Credit card")
INTERNET = ("DSL", "Fiber optic", "None")

MISSING = {
    "total_charges": 0.03,
    "contract": 0.02,
    "payment_method": 0.03,
    "internet_service": 0.02,
    "tech_support": 0.04,
    "paperless_billing": 0.02,
    "senior_citizen": 0.01,
    "num_support_calls": 0.05,
}
"""Share of blank cells by column; other columns have none."""


CATEGORIES_A_COLUMN = 30
"""Categories of each column that `categories` adds, but for the last."""


def sample_table(rows: int, seed: int, *, categories: int = 0, noise: int = 0) -> pd.DataFrame:
    """A table of `rows` customers with the target `churn`; the same seed gives the same table.

    `categories` adds columns of that many categories together, of which one in three matters; `noise` adds as many
    columns of numbers that do not.
    """
    rng = np.random.default_rng(seed)
    customers = _customers(rows, rng)
    churn = rng.random(rows)
    blanks = {name: rng.random(rows) < share for name, share in MISSING.items()}
    added, effect = _added_columns(rows, categories, noise, rng)
    churned = churn < expit(_log_odds(customers) + effect)
    for name, blank in blanks.items():
        customers[name] = customers[name].astype(object).mask(blank)
    return customers.assign(**added, churn=np.where(churned, "Yes", "No"))


def _added_columns(
    rows: int, categories: int, noise: int, rng: np.random.Generator
) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """Columns by name, and their effect on the log-odds, shape (n,)."""
    columns: dict[str, Any] = {}
    effect = np.zeros(rows)
    for index, first in enumerate(range(0, categories, CATEGORIES_A_COLUMN)):
        width = min(CATEGORIES_A_COLUMN, categories - first)
        codes = rng.integers(0, width, rows)
        columns[f"category_{index + 1}"] = np.array([f"C{code:02d}" for code in range(width)], object)[codes]
        if index % 3 == 0:
            effect += rng.normal(0, 0.3, width)[codes]
    for index in range(noise):
        columns[f"noise_{index + 1}"] = rng.normal(0, 1, rows).round(3)
    return columns, effect


def _customers(rows: int, rng: np.random.Generator) -> pd.DataFrame:
    age = np.clip(rng.normal(46, 16, rows).round(), 18, 90).astype(int)
    tenure = np.clip(rng.exponential(28, rows).round(), 0, 72).astype(int)
    internet = rng.choice(INTERNET, rows, p=(0.38, 0.42, 0.20))
    base = np.select([internet == "None", internet == "DSL"], [21.0, 55.0], 82.0)
    monthly = np.clip(base + rng.normal(0, 9, rows), 18, 125).round(2)
    return pd.DataFrame(
        {
            "customer_id": [f"CUST{number:06d}" for number in range(1, rows + 1)],
            "age": age,
            "tenure": tenure,
            "monthly_charges": monthly,
            "total_charges": (monthly * tenure * rng.normal(1, 0.03, rows)).round(2),
            "contract": _contracts(tenure, rng),
            "payment_method": rng.choice(PAYMENTS, rows, p=(0.34, 0.22, 0.22, 0.22)),
            "internet_service": internet,
            "tech_support": _yes(rng.random(rows) < np.where(internet == "None", 0.05, 0.38)),
            "paperless_billing": _yes(rng.random(rows) < 0.6),
            "senior_citizen": _yes(age >= 65),
            "num_support_calls": rng.poisson(1.4, rows),
        }
    )


def _contracts(tenure: NDArray[np.int64], rng: np.random.Generator) -> NDArray[Any]:
    """Longer contracts are more frequent among customers with a longer tenure."""
    drawn = rng.random(len(tenure)) + tenure / 100
    return np.select([drawn < 0.75, drawn < 1.1], CONTRACTS[:2], CONTRACTS[2])


def _log_odds(customers: pd.DataFrame) -> NDArray[np.float64]:
    """The mechanism of the module's docstring; shape (n,)."""
    tenure = customers["tenure"].to_numpy()
    calls = customers["num_support_calls"].to_numpy()
    contract, internet = customers["contract"], customers["internet_service"]
    log_odds = (
        -1.35
        + 1.25 * (contract == CONTRACTS[0])
        - 0.9 * (contract == CONTRACTS[2])
        - 1.2 * np.log1p(tenure / 12)
        + 0.012 * (customers["monthly_charges"] - 65)
        + 0.55 * (internet == "Fiber optic")
        + 0.45 * (customers["payment_method"] == PAYMENTS[0])
        - 0.45 * (customers["tech_support"] == "Yes")
        + 0.15 * (customers["paperless_billing"] == "Yes")
        - 0.006 * (customers["age"] - 46)
        + calls * np.where(tenure < 12, 0.45, 0.30)
    )
    return np.asarray(log_odds, dtype=np.float64)


def _yes(truth: NDArray[np.bool_]) -> NDArray[Any]:
    return np.where(truth, "Yes", "No")
