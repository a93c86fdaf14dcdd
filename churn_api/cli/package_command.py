"""`churn-api package`."""

from pathlib import Path
from typing import Any

import click

from churn_api.cli.bundle_output import model_name, print_next_steps, read_signature, writing_bundle
from churn_api.cli.command_helpers import load_settings_or_refuse, refuse
from churn_api.cli.file_options import file_options, refuse_read_options, take_read_options
from churn_api.cli.package_graph import graph_options, package_graph, take_graph_options
from churn_api.cli.training_libraries import require_training_libraries

_EXAMPLES = """
\b
Examples:
  churn-api package pipeline.joblib --signature signature.json
  churn-api package pipeline.joblib --signature signature.json --golden holdout.csv --name crm
  churn-api package pipeline.joblib --signature signature.json --golden holdout.xlsx --sheet May --skip-rows 2
  churn-api package model.onnx --labels labels.txt --name iris
  churn-api package digits.onnx --labels digits.txt --name digits --image 28x28 --image-mean 0.13 --image-scale 0.31
"""

_UNCOMPILED = (
    "It serves from scikit-learn: milliseconds for a record in place of microseconds. docs/training.md lists the steps "
    "that compile."
)


@click.command(epilog=_EXAMPLES)
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--signature", type=click.Path(path_type=Path), metavar="FILE", help="Signature of a record (JSON), for a pipeline."
)
@click.option("--golden", type=click.Path(path_type=Path), metavar="TABLE", help="Rows to check the compiled model on.")
@file_options
@graph_options
@click.option("--name", metavar="NAME", help="Name of the model. [default: DEFAULT_MODEL]")
@click.option("--json", "json_", is_flag=True, help="Print what was measured, as one JSON object.")
def package(
    model: Path, signature: Path | None, golden: Path | None, name: str | None, json_: bool, **others: Any
) -> None:
    """Package MODEL as a bundle: a scikit-learn classifier saved by joblib, or an ONNX graph (.onnx).

    Loading a joblib file runs the code in it: package only files that you trust. Where the golden table has the target,
    threshold and metrics are computed from it; else the threshold is 0.5.

    An ONNX graph is served as it is, as a tensor model: it takes and returns tensors, and needs no signature. With
    labels it also takes rows of numbers, where its one input is a matrix, and images, where --image says so.
    """
    require_training_libraries()
    graph = take_graph_options(others)
    if model.suffix.lower() == ".onnx":
        if signature or golden:
            refuse("an ONNX graph is served as it is: it has no signature and no golden table")
        package_graph(model, graph, name, json_=json_)
    else:
        graph.refuse_for_pipeline()
        if signature is None:
            refuse(f"{model.name} is packaged as a pipeline, and needs the signature of a record: --signature FILE")
        _package_pipeline(model, signature, golden, name, json_=json_, file=others)


def _package_pipeline(
    model: Path, signature: Path, golden: Path | None, name: str | None, *, json_: bool, file: dict[str, Any]
) -> None:
    from churn_api.training.external_pipeline import package_external_pipeline
    from churn_api.training.report import packaged_as_json, reasons_in_words

    options = take_read_options(file)
    if golden is None:
        refuse_read_options(options, "--golden")
    settings = load_settings_or_refuse()
    with writing_bundle(settings):
        card = package_external_pipeline(
            model,
            read_signature(signature),
            golden_table=golden,
            options=options,
            name=model_name(name, settings),
            models_dir=Path(settings["MODELS_DIR"]),
        )
    for remark in card.training.remarks:
        click.echo(remark.text, err=True)
    if json_:
        click.echo(packaged_as_json(card))
    else:
        click.echo(f"{card.name}, version {card.version}, serves from {card.scorer}")
        click.echo(f"reasons: {reasons_in_words(card)}")
    if not card.parity.proven:
        click.echo(f"not compiled: {card.parity.reason}", err=True)
        click.echo(_UNCOMPILED, err=True)
    print_next_steps(card, settings, live=False)
