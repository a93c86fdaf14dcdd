"""`churn-api experiments`: put a version alongside the live one, show how both do, stop that."""

from typing import TYPE_CHECKING, Any

import click
import orjson

from churn_api.cli.command_helpers import FiniteRange, IntegerRange, actor, open_services, print_table, refuse
from churn_api.cli.registry_refusals import registry_refusals
from churn_api.monitoring.experiment_document import experiment_document, experiment_summary
from churn_api.registry.experiment import DEFAULT_PARTS, MODES, PARTS, Experiment, Mode
from churn_api.registry.experiment_catalog import UnknownExperiment

if TYPE_CHECKING:
    from churn_api.services import Services

HEAD = ["id", "model", "live", "challenger", "mode", "share", "state", "started"]
_JSON = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS

EXAMPLES = """
\b
Examples:
  churn-api experiments start telco 2 --mode shadow
  churn-api experiments start telco 2 --mode canary --share 0.05
  churn-api experiments list
  churn-api experiments show telco
  churn-api experiments show telco --json | jq .verdict.better
  churn-api experiments stop telco --reason "enough seen"

\b
Exit codes:
  0  done
  2  not possible; one line on stderr says why
"""


@click.group(epilog=EXAMPLES)
def experiments() -> None:
    """Two versions of a model side by side, and which of them is better."""


@experiments.command()
@click.argument("model")
@click.argument("challenger")
@click.option("--mode", type=click.Choice(MODES), default="shadow", show_default=True, help="How it takes part.")
@click.option(
    "--share",
    type=FiniteRange(1 / PARTS, 1 - 1 / PARTS),
    help="Share of the customers whom it answers. [default: 0.05 of a canary, 0.5 of an A/B test]",
)
def start(model: str, challenger: str, mode: Mode, share: float | None) -> None:
    """Put version CHALLENGER alongside the live version of MODEL. Workers join within two seconds.

    A shadow scores what the live version answers, and answers no one. A canary answers a share of the customers, until
    it breaks a rule; in an A/B test the challenger answers a share of them until it is stopped. The same customer
    always gets the same version. Making another version live ends the experiment.
    """
    if mode == "shadow" and share is not None:
        refuse("a shadow answers no customer: leave out --share")
    parts = DEFAULT_PARTS[mode] if share is None else round(share * PARTS)
    with open_services() as services, registry_refusals(services.models_dir):
        started = services.experiment_management.start(model, challenger, mode, parts, by=actor())
    click.echo(f"{model}: version {challenger} runs alongside version {started.champion}, experiment {started.id}")


@experiments.command("list")
@click.option("--model", help="Only those of this model.")
@click.option("--limit", type=IntegerRange(1, 1000), default=100, show_default=True, help="How many at most.")
@click.option("--json", "json_", is_flag=True, help="Print one JSON list instead of the table.")
def list_(model: str | None, limit: int, json_: bool) -> None:
    """List the experiments, the newest first."""
    with open_services() as services:
        listed = services.experiments.list(limit, model=model)
    if json_:
        click.echo(orjson.dumps([experiment_summary(one) for one in listed], option=_JSON))
    else:
        print_table(HEAD, [_row(one) for one in listed])


@experiments.command()
@click.argument("experiment", metavar="MODEL|ID")
@click.option("--json", "json_", is_flag=True, help="Print one JSON object instead of the tables.")
def show(experiment: str, json_: bool) -> None:
    """Show an experiment, or the latest one of a model: what was counted, and what outcomes say so far."""
    with open_services() as services:
        document = experiment_document(services.database, _find(services, experiment))
    if json_:
        click.echo(orjson.dumps(document, option=_JSON))
    else:
        _print(document)


@experiments.command()
@click.argument("experiment", metavar="MODEL|ID")
@click.option("--reason", default="stopped on request", show_default=True, help="Why, for the audit log.")
def stop(experiment: str, reason: str) -> None:
    """Stop an experiment, or the one of a model: the live version answers alone."""
    with open_services() as services, registry_refusals(services.models_dir):
        stopped = services.experiments.stop(_find(services, experiment).id, by=actor(), reason=reason)
    click.echo(f"{stopped.model}: the experiment with version {stopped.challenger} is stopped")


def _find(services: "Services", name: str) -> Experiment:
    """By id, or the latest of a model. Raises CommandError."""
    latest = services.experiments.list(1, model=name)
    if latest:
        return latest[0]
    try:
        return services.experiments.get(name)
    except UnknownExperiment:
        refuse(f"there is no experiment {name!r}, and none of a model of this name: `churn-api experiments list`")


def _row(one: Experiment) -> list[str]:
    state = "running" if one.running else f"stopped: {one.reason}"
    share = f"{one.share / PARTS:.2%}" if one.share else "-"
    return [one.id, one.model, one.champion, one.challenger, one.mode, share, state, f"{one.started_at:%Y-%m-%d %H:%M}"]


def _print(document: dict[str, Any]) -> None:
    counts, verdict = document["counts"], document["verdict"]
    state = document["state"] if document["reason"] is None else f"stopped: {document['reason']}"
    click.echo(
        f"{document['model_name']}: version {document['challenger']} alongside version {document['live_version']} "
        f"({document['mode']}, {state})"
    )
    click.echo(verdict["text"])
    click.echo()
    rows = [[name.replace("_", " "), _number(value)] for name, value in counts.items()]
    print_table(["counted", ""], rows)
    click.echo()
    print_table(
        ["measure", "difference", "from", "to", "outcomes", "better"],
        [
            [
                one["measure"],
                *(_number(one[name]) for name in ("difference", "low", "high", "outcomes")),
                one["better"] or "-",
            ]
            for one in verdict["measures"]
        ],
    )


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
