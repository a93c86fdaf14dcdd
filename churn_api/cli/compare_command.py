"""`churn-api models compare`: two versions of a model side by side, with an exit code for scripts."""

import sys
from pathlib import Path
from typing import Any

import click
import orjson

from churn_api.cli.command_helpers import FiniteRange, print_table, refuse
from churn_api.cli.file_options import file_options, refuse_read_options, take_read_options
from churn_api.cli.model_selection import live_version, select_bundle
from churn_api.cli.training_libraries import require_training_libraries
from churn_api.registry.bundle import BundleError, read_card
from churn_api.registry.card import Card
from churn_api.registry.comparison import MARGIN, MetricChange, worse
from churn_api.registry.comparison import compare as compare_metrics
from churn_api.registry.headline_metrics import METRICS, headline_metrics
from churn_api.tables.read_options import ReadOptions

LIVE = "live"
WORSE = 3
"""Exit code where the second version is worse and `--fail-if-worse` is given."""

EXAMPLES = """
\b
Examples:
  churn-api models compare telco 1 2
  churn-api models compare telco 1 2 --on holdout.csv --encoding latin-1
  churn-api models compare telco live 2 --on holdout.csv --fail-if-worse && churn-api models live telco 2
"""


@click.command(epilog=EXAMPLES)
@click.argument("name")
@click.argument("first", metavar="V1")
@click.argument("second", metavar="V2")
@click.option("--on", "table", type=click.Path(path_type=Path), metavar="TABLE", help="Measure both on this table.")
@file_options
@click.option("--fail-if-worse", is_flag=True, help=f"Exit with {WORSE} where V2 is worse in ROC-AUC or log loss.")
@click.option(
    "--margin", type=FiniteRange(min=0), default=MARGIN, show_default=True, help="Differences up to this are alike."
)
@click.option("--json", "json_", is_flag=True, help="Print one JSON object instead of the table.")
def compare(
    name: str,
    first: str,
    second: str,
    table: Path | None,
    fail_if_worse: bool,
    margin: float,
    json_: bool,
    **file: Any,
) -> None:
    """Compare the metrics of version V2 of NAME with those of V1; `live` means the live version.

    Where no version is live, nothing is compared, and the exit code is 0.

    Without --on, the metrics are those of each version's training. Those of different tables are not quite comparable:
    --on TABLE scores both versions on the same customers, whom neither should have been trained on.
    """
    options = take_read_options(file)
    if table is None:
        refuse_read_options(options, "--on")
    versions = [live_version(name) if version == LIVE else version for version in (first, second)]
    if None in versions:
        click.echo(f"no version of {name!r} is live: there is nothing to compare with", err=True)
        return
    folders = [select_bundle(name, version)[0] for version in versions]
    first, second = (folder.name for folder in folders)
    before, after = _of_training(folders) if table is None else _on_table(table, folders, options)
    changes = compare_metrics(before, after, margin)
    if json_:
        click.echo(orjson.dumps(_as_json(name, first, second, changes), option=orjson.OPT_INDENT_2))
    else:
        print_table(["metric", f"version {first}", f"version {second}", "difference", ""], _rows(changes))
    if fail_if_worse and worse(changes):
        falls = ", ".join(f"{METRICS[one.name].title} {one.difference:+.4f}" for one in worse(changes))
        click.echo(f"version {second} of {name!r} is worse: {falls}", err=True)
        sys.exit(WORSE)


def _of_training(folders: list[Path]) -> list[dict[str, float]]:
    cards = [_card(folder) for folder in folders]
    measured = [headline_metrics(card) for card in cards]
    for card, metrics in zip(cards, measured, strict=True):
        if not metrics:
            refuse(f"version {card.version} of {card.name!r} has no metrics: name a table to measure both, with --on")
    if _measured_on(cards[0]) != _measured_on(cards[1]):
        click.echo("The versions were measured on different rows; --on TABLE measures both on the same.", err=True)
    return measured


def _measured_on(card: Card) -> tuple[object, ...]:
    """What decides which rows the metrics of a card's training are of."""
    holdout = card.metrics.get("holdout")
    if holdout:
        return (holdout["sha256"],)
    return card.training.sha256, card.metrics.get("folds")


def _on_table(table: Path, folders: list[Path], options: ReadOptions) -> list[dict[str, float]]:
    require_training_libraries()
    from churn_api.registry.model import load_model
    from churn_api.training.holdout import metrics_on
    from churn_api.training.training_error import TrainingError

    try:
        measured, remarks = metrics_on(table, [load_model(folder) for folder in folders], options)
    except BundleError as error:
        refuse(f"a version cannot be loaded: {error}")
    except TrainingError as error:
        refuse(str(error))
    for remark in remarks:
        click.echo(remark.text, err=True)
    return measured


def _card(folder: Path) -> Card:
    try:
        return read_card(folder)
    except BundleError as error:
        refuse(f"{folder}: {error}")


def _rows(changes: list[MetricChange]) -> list[list[str]]:
    return [
        [METRICS[one.name].title, f"{one.first:.4f}", f"{one.second:.4f}", f"{one.difference:+.4f}", one.result]
        for one in changes
    ]


def _as_json(name: str, first: str, second: str, changes: list[MetricChange]) -> dict[str, object]:
    metrics = {
        one.name: {"first": one.first, "second": one.second, "difference": one.difference, "result": one.result}
        for one in changes
    }
    return {"name": name, "first": first, "second": second, "metrics": metrics, "worse": bool(worse(changes))}
