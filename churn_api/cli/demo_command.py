"""`churn-api demo`: a month of simulated predictions, for a look at every view of the desk."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
from sqlalchemy import select

from churn_api.cli.command_helpers import IntegerRange, actor, open_services, refuse
from churn_api.cli.training_libraries import require_training_libraries
from churn_api.registry.model_errors import ModelNotReady, OtherKind, UnknownModel
from churn_api.scoring.costs import Costs
from churn_api.store.monitoring_tables import WATCH_HOURS

if TYPE_CHECKING:
    from churn_api.registry.model import Model
    from churn_api.services import Services

_EXAMPLES = """
\b
Examples:
  CHURN_INSTANCE_DIR=instance/demo churn-api demo
  make demo

\b
Exit codes: 0 the month is there, 2 refused.
"""
_COSTS = Costs(offer=20, contact=5, value="monthly_charges", months=12, margin=0.5, success=0.3)
_MARK = "demo"
"""The file in the instance folder that says that a month was made."""


@click.command(epilog=_EXAMPLES)
@click.argument("model", required=False)
@click.option("--seed", type=IntegerRange(min=0), default=1, show_default=True, help="Another seed, other customers.")
def demo(model: str | None, seed: int) -> None:
    """Simulate a month of predictions of MODEL, by default the default model, which was trained on sample data.

    Its customers are counted and logged as if a client had sent them every night, those who left are reported, costs
    are set, and in the last week one feature drifts. Where the model has another version, that is its shadow. Where
    all that has been done already nothing happens. An instance that has predictions or costs of its own is refused:
    name a folder for the demonstration in CHURN_INSTANCE_DIR.
    """
    require_training_libraries()
    with open_services() as services:
        mark = services.instance / _MARK
        if mark.exists():
            click.echo(f"The month is there already: remove {services.instance} to make another.", err=True)
            return
        loaded = _loaded(services, model)
        _refuse_real_data(services, loaded.card.name)
        _simulate(services, loaded, seed)
        mark.write_text(f"{seed}\n")


def _loaded(services: "Services", name: str | None) -> "Model":
    services.refresh_models()
    try:
        model = services.live.get(name)
    except (UnknownModel, ModelNotReady, OtherKind) as error:
        refuse(f"{error}: train one on sample data, with --live")
    from churn_api.training.simulated_month import FEATURES

    unknown = {each.name for each in model.card.signature.features} - FEATURES
    if unknown:
        refuse(f"{model.card.name} has {len(unknown)} features that sample data lack: it was trained on another table")
    return model


def _refuse_real_data(services: "Services", model: str) -> None:
    with services.database.reading() as connection:
        counted = connection.execute(select(WATCH_HOURS.c.hour).limit(1)).first() is not None
    logged = any(path.is_file() for path in Path(services.monitoring.log_folder.path).rglob("*"))
    if counted or logged or services.catalog.costs(model) is not None:
        refuse(f"{services.instance} has predictions or costs of its own: name another folder in CHURN_INSTANCE_DIR")


def _simulate(services: "Services", model: "Model", seed: int) -> None:
    from churn_api.cli.simulated_experiment import start_shadow
    from churn_api.cli.simulated_predictions import night, report_leavers, score_days
    from churn_api.training.simulated_month import CUSTOMERS, DAYS, simulated_days

    today = datetime.now(UTC).date()
    days = list(simulated_days(seed, today))
    challenger = start_shadow(services, model.card, night(days[0].day), by=actor())
    score_days(services, model, days)
    report_leavers(services, model, days, today - timedelta(days=1), by=actor())
    if services.monitoring.prediction_log is not None:
        services.monitoring.prediction_log.close()
        services.monitoring.log_maintenance.run()
        services.monitoring.quality_update.run()
    services.management.set_costs(model.card.name, _COSTS, by=actor())
    shadow = "" if challenger is None else f", with version {challenger} as a shadow"
    click.echo(f"{DAYS} days with {CUSTOMERS} customers each were scored by {model.card.name}{shadow}.", err=True)
