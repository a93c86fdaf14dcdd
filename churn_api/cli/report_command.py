"""`churn-api report`: the evaluation of a model as a page for people."""

from pathlib import Path

import click
import msgspec

from churn_api.cli.command_helpers import refuse
from churn_api.cli.model_selection import select_bundle
from churn_api.cli.outputs import PIPE, atomic_output, check_output
from churn_api.registry.bundle import BundleError, read_card
from churn_api.registry.evaluation_report import read_report, report_document
from churn_api.registry.global_explanation import read_explanation
from churn_api.reports.page import ReportedVersion, html_page
from churn_api.reports.png import PictureError, png_sheet
from churn_api.reports.sheet import svg_sheet

EXAMPLES = """
\b
Examples:
  churn-api report telco -o report.html                (the live version, else the newest)
  churn-api report telco 2 --against 1 -o report.html
  churn-api report telco 2 -o report.svg               (the charts alone)
  churn-api report telco 2 -o report.png               (the same, as a picture; needs the extra `report`)
  churn-api report telco 2 --format json | jq .metrics
"""

FORMATS = ("html", "svg", "png", "json")


@click.command(epilog=EXAMPLES)
@click.argument("model")
@click.argument("version", required=False)
@click.option("--against", metavar="VERSION", help="Draw the curves of another version of the model, too.")
@click.option("-o", "--output", default=PIPE, metavar="FILE", help="File to write. [default: stdout]")
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    help="A page, its charts alone, or its data. [default: by the suffix of the output, else html]",
)
def report(model: str, version: str | None, against: str | None, output: str, format_: str | None) -> None:
    """Report how well VERSION of MODEL predicts: metrics in words, curves, calibration, gains, effects.

    One file without scripts, which prints on A4. Without VERSION, the live version, else the newest.
    """
    check_output(output)
    chosen = format_ or _format_by_suffix(output)
    if against and chosen == "json":
        refuse("--against cannot be combined with JSON, which holds the data of one version")
    reported = _reported(model, version)
    other = _reported(model, against) if against else None
    written = {
        "html": lambda: html_page(reported, other).encode(),
        "svg": lambda: svg_sheet(reported, other).encode(),
        "png": lambda: _picture(reported, other),
        "json": lambda: (
            msgspec.json.format(msgspec.json.encode(report_document(reported.card, reported.report)), indent=2) + b"\n"
        ),
    }[chosen]()
    try:
        with atomic_output(output) as file:
            file.write(written)
    except OSError as error:
        refuse(f"{output} cannot be written: {error.strerror}")


def _picture(reported: ReportedVersion, other: ReportedVersion | None) -> bytes:
    try:
        return png_sheet(reported, other)
    except PictureError as error:
        refuse(str(error))


def _format_by_suffix(output: str) -> str:
    suffix = Path(output).suffix.lower().removeprefix(".")
    return suffix if suffix in FORMATS else FORMATS[0]


def _reported(model: str, version: str | None) -> ReportedVersion:
    """A version's card and report. Raises CommandError where it has none."""
    folder, digest, _ = select_bundle(model, version)
    try:
        card = read_card(folder, digest)
        measured, explanation = read_report(folder, card), read_explanation(folder, card)
    except BundleError as error:
        refuse(f"{folder}: {error}")
    if measured is None:
        refuse(
            f"version {card.version} of {model!r} has no report: it was packaged without a golden table, or before "
            "reports were written. Train it again, or package it with --golden"
        )
    return ReportedVersion(card, measured, explanation)
