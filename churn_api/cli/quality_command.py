"""`churn-api quality`: how good a model's predictions were, from what became of customers."""

import sys
from typing import Any

import click
import orjson

from churn_api.cli.command_helpers import IntegerRange, open_services, print_table, refuse
from churn_api.contract.faults import did_you_mean
from churn_api.monitoring.quality_document import MEASURED, quality_document
from churn_api.monitoring.version_facts import facts_of_versions

ALERT = 3
"""Exit code where the live version alarms and `--fail-on-alert` is given."""
HEAD = [
    "version",
    "window",
    "rows",
    "leavers",
    "ROC-AUC",
    "expected",
    "Brier",
    "left - mean",
    "precision",
    "recall",
]

EXAMPLES = """
\b
Examples:
  churn-api quality telco
  churn-api quality telco --days 7 --json | jq .versions
  churn-api quality telco --fail-on-alert || mail -s "the model is worse" team@example.com < /dev/null

\b
Exit codes:
  0  the figures were printed
  2  refused, with the reason on stderr
  3  the live version is worse than in training (--fail-on-alert)
"""


@click.command(epilog=EXAMPLES)
@click.argument("model")
@click.option("--days", type=IntegerRange(1, 366), help="Length of a window. [default: calendar months]")
@click.option("--fail-on-alert", is_flag=True, help=f"Exit with {ALERT} where the live version is worse than trained.")
@click.option("--json", "json_", is_flag=True, help="Print one JSON object instead of the table.")
def quality(model: str, days: int | None, fail_on_alert: bool, json_: bool) -> None:
    """Show how good the predictions of MODEL were, by version and window, with 95 % intervals.

    Predictions count once their horizon has passed and outcomes up to that day are complete: `churn-api outcomes`
    reports them. Customers whom the company called are apart, as `called`.
    """
    with open_services() as services:
        catalog = services.catalog.read()
        if model not in catalog:
            refuse(f"no model named {model!r} is registered. {did_you_mean(model, catalog) or ''}")
        facts = facts_of_versions(services.models_dir, model, catalog[model])
        document = quality_document(services.database, model, facts, catalog[model].live, days)
    if json_:
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    else:
        _print(document)
    for text in document["advice"]:
        click.echo(text, err=True)
    if document["alert"]:
        click.echo(f"version {document['live']} separates leavers worse than it did in training", err=True)
        if fail_on_alert:
            sys.exit(ALERT)


def _print(document: dict[str, Any]) -> None:
    rows = [
        _row(one, window, called=called)
        for one in document["versions"]
        for called in (False, True)
        for window in one["contacted" if called else "windows"]
    ]
    if rows:
        print_table(HEAD, rows)
    if document["unknown_outcomes"]:
        click.echo(f"{document['unknown_outcomes']:,} outcomes are of customers without a prediction", err=True)


def _row(version: dict[str, Any], window: dict[str, Any], *, called: bool) -> list[str]:
    named = [version["version"], *([] if version["variant"] == "live" else [version["variant"]])]
    name = ", ".join([*named, *(["called"] if called else [])])
    first = [name, f"{window['start']} to {window['end']}", f"{window['predictions']:,}", f"{window['leavers']:,}"]
    if window["state"] != MEASURED:
        return [*first, "too few", "", "", "", "", ""]
    expected = window["expected"]["roc_auc"]
    return [
        *first,
        _interval(window["roc_auc"]),
        "-" if expected is None else f"{expected:.3f}",
        _interval(window["brier"]),
        _share(window["calibration"], signed=True),
        _share(window["precision"]),
        _share(window["recall"]),
    ]


def _interval(estimate: dict[str, float]) -> str:
    half = (estimate["high"] - estimate["low"]) / 2
    return f"{estimate['value']:.3f} ± {half:.3f}"


def _share(estimate: dict[str, float] | None, *, signed: bool = False) -> str:
    if estimate is None:
        return "-"
    half = (estimate["high"] - estimate["low"]) / 2
    return f"{estimate['value']:{'+' if signed else ''}.1%} ± {half:.1%}"
