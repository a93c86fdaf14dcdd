"""`churn-api train`."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from churn_api.cli.bundle_output import model_name, print_next_steps, writing_bundle
from churn_api.cli.command_helpers import IntegerRange, load_settings_or_refuse, open_services, refuse
from churn_api.cli.mlflow_run import MlflowExperiment
from churn_api.cli.table_options import table_options, training_options
from churn_api.cli.training_libraries import require_training_libraries
from churn_api.tables.formats import TITLES
from churn_api.training.candidate_list import AUTO, ESTIMATORS, SettingError, describe, parse_settings

if TYPE_CHECKING:
    from churn_api.training.candidates import Learning

_EXAMPLES = f"""
\b
Candidates and settings, for --estimator and --set:
{describe()}

\b
Examples:
  churn-api train customers.csv --target Churn
  churn-api train customers.csv --target Churn --id customerID --name telco
  churn-api train customers.csv --target Churn --range age=0:120 --range charges=0:
  churn-api train customers.csv --target Churn --estimator wide --set wide.learning_rate=0.05
  churn-api train customers.csv --target Churn --calls 500     (of these customers, 500 would be called)
  churn-api train may.csv --target Churn --holdout june.csv    (learns from May, is evaluated on June)
  MLFLOW_TRACKING_URI=http://127.0.0.1:5000 churn-api train customers.csv --target Churn --mlflow churn
  churn-api train customers.csv --target Churn --live          (the version is live at once)
  churn-api train customers.parquet --target left --positive yes --exclude churn_date --json
"""

_HELP = f"""Train on TABLE ({TITLES}): its columns become the API.

Columns without blanks become required fields, the others optional ones. The best candidate is calibrated,
compiled to ONNX, checked to predict as before, and written as the next version of the model.
"""


@click.command(epilog=_EXAMPLES, help=_HELP)
@table_options
@click.option("--signature", type=click.Path(path_type=Path), metavar="FILE", help="Declared signature (JSON).")
@click.option("--name", metavar="NAME", help="Name of the model. [default: DEFAULT_MODEL]")
@click.option("--estimator", type=click.Choice(ESTIMATORS), default=AUTO, show_default=True)
@click.option(
    "--set", "settings", multiple=True, metavar="CANDIDATE.SETTING=VALUE", help="How a candidate learns. Repeatable."
)
@click.option(
    "--seed",
    type=IntegerRange(min=0, max=2**32 - 1),
    default=0,
    show_default=True,
    help="Seed of folds, early stopping and golden rows.",
)
@click.option("--class-weight", type=click.Choice(["balanced"]), help="Learn as if both classes were equally frequent.")
@click.option("--sample-weight", metavar="COL", help="Column of how much each row counts; it is no feature.")
@click.option("--time", metavar="COL", help="Evaluate each fold on rows that are later than those it learns from.")
@click.option("--group", metavar="COL", help="Keep the rows of one value in one fold, such as a household's.")
@click.option(
    "--holdout",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Evaluate on the rows of this file, which the model does not learn from.",
)
@click.option(
    "--calls",
    type=IntegerRange(min=1),
    metavar="N",
    help="Choose the threshold so that N of the rows of TABLE are flagged. [default: the largest F1]",
)
@click.option("--mlflow", "experiment", metavar="EXPERIMENT", help="Log the training as a run of MLflow.")
@click.option("--live", is_flag=True, help="Make the version live; needs the database.")
@click.option("--json", "json_", is_flag=True, help="Print one JSON object instead of the tables.")
def train(  # noqa: PLR0913, PLR0917 - an argument for each option
    table: Path,
    name: str | None,
    estimator: str,
    settings: tuple[str, ...],
    seed: int,
    class_weight: str | None,
    sample_weight: str | None,
    time: str | None,
    group: str | None,
    holdout: Path | None,
    calls: int | None,
    signature: Path | None,
    experiment: str | None,
    live: bool,
    json_: bool,
    **chosen: Any,
) -> None:
    """Train on a file of any format."""
    require_training_libraries()
    if live:
        with open_services():
            pass  # a database that cannot be used is refused before the training
    from churn_api.training.evaluation_options import EvaluationOptions
    from churn_api.training.report import as_json, print_report
    from churn_api.training.train import train as train_model
    from churn_api.training.training_progress import progress_on

    config = load_settings_or_refuse()
    learning = _learning(settings, seed, class_weight, estimator)
    runs = MlflowExperiment(experiment) if experiment else None  # refused before the training, too
    options = replace(training_options(chosen, signature), sample_weight=sample_weight)
    with writing_bundle(config), progress_on(sys.stderr) as progress:
        trained = train_model(
            table,
            options,
            name=model_name(name, config),
            models_dir=Path(config["MODELS_DIR"]),
            progress=progress,
            estimator=estimator,
            learning=learning,
            evaluation=EvaluationOptions(time=time, group=group, holdout=holdout, calls=calls),
        )
    if json_:
        click.echo(as_json(trained))
    else:
        print_report(trained)
    if runs:
        run = runs.log(Path(config["MODELS_DIR"]) / trained.card.name / trained.card.version)
        click.echo(f"Logged as run {run} of the MLflow experiment {experiment!r}.", err=True)
    if live:
        from churn_api.cli.model_commands import make_live

        make_live(trained.card.name, trained.card.version)
    print_next_steps(trained.card, config, live=live)


def _learning(settings: tuple[str, ...], seed: int, class_weight: str | None, estimator: str) -> "Learning":
    """How candidates learn. Raises CommandError for a setting of a candidate that is not trained."""
    from churn_api.training.candidates import Learning

    try:
        learning = Learning(seed=seed, class_weight=class_weight, settings=parse_settings(settings))
    except SettingError as error:
        refuse(str(error))
    unused = [] if estimator == AUTO else sorted(learning.settings.keys() - {estimator})
    if unused:
        refuse(f"--set {unused[0]}: only {estimator} is trained")
    return learning
