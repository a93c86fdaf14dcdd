"""`churn-api train`, `package` and `sample-data`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from churn_api.cli.command_helpers import IntegerRange, load_settings_or_refuse, open_services, refuse
from churn_api.cli.file_options import file_options, take_read_options
from churn_api.cli.training_libraries import require_training_libraries
from churn_api.contract.signature import Signature, SignatureError
from churn_api.tables.formats import TITLES
from churn_api.training.candidate_list import AUTO, ESTIMATORS, SettingError, describe, parse_settings
from churn_api.web import API_V1

if TYPE_CHECKING:
    from churn_api.registry.card import Card
    from churn_api.training.candidates import Learning
    from churn_api.training.preparation import TrainingOptions


TRAIN_EXAMPLES = f"""
\b
Candidates and settings, for --estimator and --set:
{describe()}

\b
Examples:
  churn-api train customers.csv --target Churn
  churn-api train customers.csv --target Churn --id customerID --name telco
  churn-api train customers.csv --target Churn --range age=0:120 --range charges=0:
  churn-api train customers.csv --target Churn --estimator wide --set wide.learning_rate=0.05
  churn-api train customers.csv --target Churn --live          (the version is live at once)
  churn-api train customers.parquet --target left --positive yes --exclude churn_date --json
"""
PACKAGE_EXAMPLES = """
\b
Examples:
  churn-api package pipeline.joblib --signature signature.json
  churn-api package pipeline.joblib --signature signature.json --golden holdout.csv --name crm
"""
SAMPLE_EXAMPLES = """
\b
Examples:
  churn-api sample-data > customers.csv
  churn-api sample-data --rows 100000 --seed 7 > customers.csv
  churn-api sample-data --signature signature.json > made-up.csv
  churn-api sample-data --rows 160000 --categories 370 --noise 16 > wide.csv
"""


DECLARED = {
    "identifier": "--id",
    "exclude": "--exclude",
    "include": "--include",
    "opened": "--open",
    "positive": "--positive",
    "negative": "--negative",
    "missing": "--missing",
    "decimal": "--decimal",
    "date_format": "--date-format",
    "as_of": "--as-of",
    "ranges": "--range",
    "text": "--text",
}
"""Options of `train` that a declared signature replaces."""

_TRAIN_HELP = f"""Train on TABLE ({TITLES}): its columns become the API.

Columns without blanks become required fields, the others optional ones. The best candidate is calibrated,
compiled to ONNX, checked to predict as before, and written as the next version of the model.
"""


@click.command(epilog=TRAIN_EXAMPLES, help=_TRAIN_HELP)
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--target", required=True, metavar="COL", help="Column to predict.")
@click.option(
    "--positive", metavar="LABELS", help="Labels that mean churn, as in A,B; not needed for Yes/No, true/false and 0/1."
)
@click.option("--negative", metavar="LABELS", help="Labels that mean staying, as in C,D.")
@click.option("--drop-label", multiple=True, metavar="LABEL", help="Drop rows with this target. Repeatable.")
@click.option("--id", "identifier", metavar="COL", help="Column that identifies a customer. [default: customer_id]")
@click.option("--name", metavar="NAME", help="Name of the model. [default: DEFAULT_MODEL]")
@click.option("--estimator", type=click.Choice(ESTIMATORS), default=AUTO, show_default=True)
@click.option(
    "--set", "settings", multiple=True, metavar="CANDIDATE.SETTING=VALUE", help="How a candidate learns. Repeatable."
)
@click.option(
    "--seed", type=IntegerRange(min=0, max=2**32 - 1), default=0, show_default=True, help="Seed of everything random."
)
@click.option("--class-weight", type=click.Choice(["balanced"]), help="Learn as if both classes were equally frequent.")
@click.option("--time", metavar="COL", help="Evaluate each fold on rows that are later than those it learns from.")
@click.option("--group", metavar="COL", help="Keep the rows of one value in one fold, such as a household's.")
@click.option("--signature", type=click.Path(path_type=Path), metavar="FILE", help="Declared signature (JSON).")
@click.option("--exclude", multiple=True, metavar="COL", help="Leave a column out. Repeatable.")
@click.option("--include", multiple=True, metavar="COL", help="Keep a column that would be left out. Repeatable.")
@click.option(
    "--accept-leakage", multiple=True, metavar="COL", help="Keep a column that gives the target away. Repeatable."
)
@click.option(
    "--open", "opened", multiple=True, metavar="COL", help="Accept unseen categories of a column. Repeatable."
)
@click.option(
    "--range", "ranges", multiple=True, metavar="COL=MIN:MAX", help="Refuse other numbers in a column. Repeatable."
)
@click.option("--missing", multiple=True, metavar="TEXT", help="A text that means a missing value. Repeatable.")
@click.option("--decimal", type=click.Choice([".", ","]), help="Decimal mark of numbers. [default: by the column]")
@click.option("--date-format", metavar="FORMAT", help="How dates are written, as in %d/%m/%Y. [default: by the column]")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Day to count dates back from. [default: the latest]")
@click.option("--text", multiple=True, metavar="COL", help="Read a column as text, exactly as it is. Repeatable.")
@file_options
@click.option("--live", is_flag=True, help="Make the version live; needs the database.")
@click.option("--json", "json_", is_flag=True, help="Print one JSON object instead of the tables.")
def train(  # noqa: PLR0913, PLR0917 - an argument for each option
    table: Path,
    name: str | None,
    estimator: str,
    settings: tuple[str, ...],
    seed: int,
    class_weight: str | None,
    time: str | None,
    group: str | None,
    signature: Path | None,
    live: bool,
    json_: bool,
    **chosen: Any,
) -> None:
    """Train on a file of any format."""
    require_training_libraries()
    if live:
        with open_services():
            pass  # a database that cannot be used is refused before the training
    from churn_api.training.report import as_json, print_report
    from churn_api.training.splits import SplitOptions
    from churn_api.training.train import train as train_model
    from churn_api.training.training_error import TrainingError
    from churn_api.training.training_progress import progress_on

    declared_by_signature = [name for name in DECLARED if chosen[name]] if signature else []
    if declared_by_signature:
        refuse(f"--signature cannot be combined with {', '.join(DECLARED[name] for name in declared_by_signature)}")
    learning = _learning(settings, seed, class_weight)
    config = load_settings_or_refuse()
    options = training_options(chosen, _signature(signature) if signature else None)
    try:
        with progress_on(sys.stderr) as progress:
            trained = train_model(
                table,
                options,
                name=_model_name(name, config),
                models_dir=Path(config["MODELS_DIR"]),
                progress=progress,
                estimator=estimator,
                learning=learning,
                split_options=SplitOptions(time=time, group=group),
            )
    except TrainingError as error:
        refuse(str(error))
    except OSError as error:
        refuse(f"the bundle cannot be written to {config['MODELS_DIR']}: {error.strerror}")
    if json_:
        click.echo(as_json(trained))
    else:
        print_report(trained)
    if live:
        from churn_api.cli.model_commands import make_live

        make_live(trained.card.name, trained.card.version)
    _print_next_steps(trained.card, config, live=live)


@click.command(epilog=PACKAGE_EXAMPLES)
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--signature", type=click.Path(path_type=Path), required=True, metavar="FILE", help="Signature of a record (JSON)."
)
@click.option("--golden", type=click.Path(path_type=Path), metavar="TABLE", help="Rows to check the compiled model on.")
@click.option("--name", metavar="NAME", help="Name of the model. [default: DEFAULT_MODEL]")
@click.option("--json", "json_", is_flag=True, help="Print what was measured, as one JSON object.")
def package(model: Path, signature: Path, golden: Path | None, name: str | None, json_: bool) -> None:
    """Package MODEL, a scikit-learn classifier saved by joblib, as a bundle.

    Loading a joblib file runs the code in it: package only files that you trust. Where the golden table has the target,
    threshold and metrics are computed from it; else the threshold is 0.5.
    """
    require_training_libraries()
    from churn_api.training.external_pipeline import package_external_pipeline
    from churn_api.training.report import packaged_as_json
    from churn_api.training.training_error import TrainingError

    settings = load_settings_or_refuse()
    try:
        card = package_external_pipeline(
            model,
            _signature(signature),
            golden_table=golden,
            name=_model_name(name, settings),
            models_dir=Path(settings["MODELS_DIR"]),
        )
    except TrainingError as error:
        refuse(str(error))
    except OSError as error:
        refuse(f"the bundle cannot be written to {settings['MODELS_DIR']}: {error.strerror}")
    if json_:
        click.echo(packaged_as_json(card))
    else:
        click.echo(f"{card.name}, version {card.version}, serves from {card.scorer}")
    if not card.parity.proven:
        click.echo(f"not compiled: {card.parity.reason}", err=True)
    _print_next_steps(card, settings, live=False)


@click.command("sample-data", epilog=SAMPLE_EXAMPLES)
@click.option("--rows", type=IntegerRange(min=1, max=10_000_000), default=10_000, show_default=True)
@click.option("--seed", type=IntegerRange(min=0), default=0, show_default=True)
@click.option("--signature", type=click.Path(path_type=Path), metavar="FILE", help="Signature of the table (JSON).")
@click.option(
    "--categories", type=IntegerRange(min=0, max=10_000), default=0, help="Add columns of so many categories together."
)
@click.option("--noise", type=IntegerRange(min=0, max=1_000), default=0, help="Add columns of numbers without meaning.")
def sample_data(rows: int, seed: int, signature: Path | None, categories: int, noise: int) -> None:
    """Print a synthetic table of customers as CSV: realistic, with missing values, the same for the same seed.

    With --signature, its columns are those of a signature, and every row is valid under it.
    """
    if signature and (categories or noise):
        refuse("--signature cannot be combined with --categories and --noise")
    require_training_libraries()
    from churn_api.training.sample import sample_table
    from churn_api.training.signature_sample import sample_of_signature

    if signature:
        table = sample_of_signature(_signature(signature), rows, seed)
    else:
        table = sample_table(rows, seed, categories=categories, noise=noise)
    table.to_csv(sys.stdout, index=False)


def _learning(settings: tuple[str, ...], seed: int, class_weight: str | None) -> "Learning":
    from churn_api.training.candidates import Learning

    try:
        return Learning(seed=seed, class_weight=class_weight, settings=parse_settings(settings))
    except SettingError as error:
        refuse(str(error))


def training_options(chosen: dict[str, Any], declared: Signature | None = None) -> "TrainingOptions":
    """The options of training from a command line's parameters about the table. Raises CommandError."""
    from churn_api.tables.notation_inference import NotationOptions
    from churn_api.training.preparation import TrainingOptions

    chosen = dict(chosen)
    file = take_read_options(chosen)
    others = {name: value for name, value in chosen.items() if name not in NotationOptions._fields}
    notation = NotationOptions(**{name: chosen[name] for name in NotationOptions._fields})
    others["ranges"] = _ranges(chosen["ranges"])
    if chosen["as_of"]:
        others["as_of"] = chosen["as_of"].date()
    return TrainingOptions(signature=declared, file=file, notation=notation, **others)


def _model_name(name: str | None, settings: dict[str, Any]) -> str:
    from churn_api.registry.bundle import NAME

    chosen = str(name or settings["DEFAULT_MODEL"])
    if not NAME.fullmatch(chosen):
        refuse("a model's name has 1 to 64 letters, digits, - and _, and begins with a letter or digit")
    return chosen


def _ranges(texts: tuple[str, ...]) -> dict[str, Any]:
    from churn_api.training.declared_ranges import parse_range

    try:
        return dict(map(parse_range, texts))
    except ValueError as error:
        refuse(f"--range: {error}")


def _signature(path: Path) -> Signature:
    try:
        return Signature.from_json(path.read_bytes())
    except OSError as error:
        refuse(f"{path.name} cannot be read: {error.strerror}")
    except SignatureError as error:
        refuse(f"{path.name} is not a signature: {error}")


def _print_next_steps(card: "Card", settings: dict[str, Any], *, live: bool) -> None:
    route = f"{API_V1}/predict" + ("" if card.name == settings["DEFAULT_MODEL"] else f"/{card.name}")
    state = "It is live" if live else f"Make it live: `churn-api models live {card.name} {card.version}`"
    click.echo(f"Written to {Path(settings['MODELS_DIR']) / card.name / card.version}.", err=True)
    click.echo(f"{state}. Running servers switch to it; else run `churn-api serve`. Then POST to {route}.", err=True)
