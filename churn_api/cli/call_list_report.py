"""What `churn-api call-list` reports of a list: what it amounts to, and whether its effect will be measured."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from churn_api.cli.command_error import CommandError
from churn_api.cli.command_helpers import open_services
from churn_api.contract.remark import counted
from churn_api.registry.bundle import read_card
from churn_api.scoring.profit import SUCCESS_BAND
from churn_api.serving.call_list_options import CallListTotals, ListedGroups
from churn_api.web import API_V1

if TYPE_CHECKING:
    from churn_api.cli.scoring_run import Listing
    from churn_api.services import Services
    from churn_api.serving.table_scorer import ScoringTask


def report_list(task: "ScoringTask", listing: "Listing", totals: CallListTotals) -> None:
    """Print on stderr what a list amounts to, and remember its customers where it has a control group."""
    version = Path(task.bundle)
    control = f", and {totals.control:,} not to be called (control)" if totals.control else ""
    _print(f"{totals.called:,} to call{control}; of {totals.worth_calling:,} a call gains something")
    try:
        with open_services() as services:
            _print(_amounts(services.monitoring.checked_totals(version.parent.name, version.name, totals)))
            if totals.control:
                _print(_remember(services, task, listing))
    except CommandError as error:
        _print(f"the database does not say whether these probabilities are right, or remember the list: {error}")


def _amounts(totals: CallListTotals) -> str:
    """The expected amounts, or why they are withheld."""
    if totals.is_withheld and totals.calibration is not None:
        off = totals.calibration
        return (
            "expected amounts are withheld, since probabilities are off: in the latest month with known outcomes the "
            f"share that left was {100 * off.value:+.1f} percentage points from the mean probability "
            f"({100 * off.low:+.1f} to {100 * off.high:+.1f}). The order of the list may be right all the same"
        )
    low, high = (f"{share:.0%}" for share in SUCCESS_BAND)
    return (
        f"expected: {totals.expected_leavers:,.0f} of them would leave, {totals.expected_kept:,.0f} are kept; "
        f"cost {totals.expected_cost:,.0f}, profit {totals.expected_profit:,.0f} "
        f"({totals.profit_low:,.0f} to {totals.profit_high:,.0f} if the offer keeps {low} to {high})"
    )


def _remember(services: "Services", task: "ScoringTask", listing: "Listing") -> str:
    """Remember who is on the list, and return what comes of it. Raises DatabaseAway, StartError."""
    model = Path(task.bundle).parent.name
    horizon = read_card(Path(task.bundle), task.digest).signature.target.horizon_days
    if horizon is None:
        return "the effect of calling cannot be measured: train the model with --horizon-days"
    list_id = hashlib.sha256(f"{model}/{listing.salt}".encode()).hexdigest()
    if not services.monitoring.record_list(ListedGroups(list_id, model, horizon, listing.customers)):
        return "the effect of calling cannot be measured: CHURN_LOG_PREDICTIONS is off"
    return (
        f"{counted(len(listing.customers), 'customer')} remembered: GET {API_V1}/models/{model}/costs shows what "
        f"calling changed, once {counted(horizon, 'day')} have passed and outcomes are reported"
    )


def _print(line: str) -> None:
    click.echo(line, err=True)
