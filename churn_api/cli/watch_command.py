"""`churn-api watch`: whether a model's customers are still like those that it learned from."""

import sys
from datetime import datetime
from typing import Any

import click
import orjson

from churn_api.cli.command_helpers import IntegerRange, open_services, print_table, refuse
from churn_api.cli.model_selection import select_bundle
from churn_api.monitoring.watch_document import watch_document
from churn_api.monitoring.watch_reader import DEFAULT_DAYS, MAX_DAYS, NoBaseline, watch_version
from churn_api.registry.bundle import BundleError, read_card

ALERT = 3
"""Exit code where something alarms and `--fail-on-alert` is given."""
HEAD = ["feature", "state", "PSI", "chi-square", "critical", "missing", "unseen", ""]

EXAMPLES = """
\b
Examples:
  churn-api watch telco
  churn-api watch telco 2 --days 30 --json | jq .alerts
  churn-api watch telco --fail-on-alert || mail -s "customers have changed" team@example.com < /dev/null
"""


@click.command(epilog=EXAMPLES)
@click.argument("model")
@click.argument("version", required=False)
@click.option(
    "--days", type=IntegerRange(1, MAX_DAYS), default=DEFAULT_DAYS, show_default=True, help="How many days back."
)
@click.option("--fail-on-alert", is_flag=True, help=f"Exit with {ALERT} where a feature or the probability alarms.")
@click.option("--json", "json_", is_flag=True, help="Print one JSON object instead of the tables.")
def watch(model: str, version: str | None, days: int, fail_on_alert: bool, json_: bool) -> None:
    """Compare what VERSION of MODEL predicted with the rows that it learned from, feature by feature.

    Requests, tables and jobs count. Without VERSION, the live version, else the newest.

    A feature is `moved` where it differs by more than chance and by enough to notice (PSI from 0.02), and `drifted`
    where it differs much (PSI from 0.1). It alarms if it drifted in the last closed window, or moved in the last two.
    """
    folder, digest, _ = select_bundle(model, version)
    try:
        card = read_card(folder, digest)
        with open_services() as services:
            document = watch_document(card, watch_version(services.database, card, days))
    except (BundleError, NoBaseline) as error:
        refuse(f"{folder}: {error}")
    if json_:
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS))
    else:
        _print(document)
    alerts = document["alerts"] + (["the probability"] if document["score_alert"] else [])
    if alerts:
        click.echo(f"customers are not as in training: {', '.join(alerts)}", err=True)
        if fail_on_alert:
            sys.exit(ALERT)


def _print(document: dict[str, Any]) -> None:
    compared = [window for window in document["windows"] if "features" in window]
    if not compared:
        counted = sum(window["rows"] for window in document["windows"])
        click.echo(f"{counted} predictions were counted: a window needs 200 to be compared.")
        return
    print_table(["window", "rows", "state", "expected ROC-AUC", "expected churn"], [_window(one) for one in compared])
    click.echo()
    latest = {one["feature"]: one for one in compared[-1]["features"]}
    print_table(HEAD, [_feature(one, latest[one["feature"]]) for one in document["features"]])


def _window(window: dict[str, Any]) -> list[str]:
    expected = window["expected"]
    area = "-" if expected["roc_auc"] is None else f"{expected['roc_auc']:.3f}"
    state = f"{window['state']}, open" if window["open"] else window["state"]
    length = f"{_hour(window['start'])} to {_hour(window['end'])}"
    return [length, f"{window['rows']:,}", state, area, f"{expected['rate']:.1%}"]


def _hour(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _feature(feature: dict[str, Any], latest: dict[str, Any]) -> list[str]:
    return [
        feature["feature"],
        latest["state"],
        f"{latest['psi']:.3f}",
        f"{latest['chi_square']:.1f}",
        f"{feature['critical']:.1f}",
        f"{latest['missing']:.1%}",
        f"{latest['unseen']:.1%}",
        "alert" if feature["alert"] else "",
    ]
