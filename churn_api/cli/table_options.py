"""Options of the command line that say how to read a training table; `train` and `signature` take the same."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from churn_api.cli.bundle_output import read_signature
from churn_api.cli.command_helpers import IntegerRange, refuse
from churn_api.cli.file_options import file_options, take_read_options
from churn_api.contract.notation import is_date_format
from churn_api.contract.signature import MAX_HORIZON_DAYS

if TYPE_CHECKING:
    from churn_api.training.training_options import TrainingOptions

_Option = tuple[tuple[str, ...], dict[str, Any]]
"""Flags, the last of which names the parameter, and settings of click's."""

_LABELS = "Labels that mean churn, as in A,B; not needed for Yes/No, true/false and 0/1."
_COLUMNS: tuple[_Option, ...] = (
    (("--positive",), {"metavar": "LABELS", "help": _LABELS}),
    (("--negative",), {"metavar": "LABELS", "help": "Labels that mean staying, as in C,D."}),
    (
        ("--horizon-days",),
        {
            "type": IntegerRange(min=1, max=MAX_HORIZON_DAYS),
            "metavar": "N",
            "help": "Within how many days the target means that a customer leaves.",
        },
    ),
    (
        ("--id", "identifier"),
        {"metavar": "COL", "help": "Column that identifies a customer. [default: customer_id]"},
    ),
    (("--exclude",), {"multiple": True, "metavar": "COL", "help": "Leave a column out. Repeatable."}),
    (
        ("--include",),
        {"multiple": True, "metavar": "COL", "help": "Keep a column that would be left out. Repeatable."},
    ),
    (
        ("--open", "opened"),
        {"multiple": True, "metavar": "COL", "help": "Accept unseen categories of a column. Repeatable."},
    ),
    (
        ("--range", "ranges"),
        {"multiple": True, "metavar": "COL=MIN:MAX", "help": "Refuse other numbers in a column. Repeatable."},
    ),
    (
        ("--missing",),
        {"multiple": True, "metavar": "TEXT", "help": "A text that means a missing value. Repeatable."},
    ),
    (
        ("--decimal",),
        {"type": click.Choice([".", ","]), "help": "Decimal mark of numbers. [default: by the column]"},
    ),
    (
        ("--date-format",),
        {"metavar": "FORMAT", "help": "How dates are written, as in %d/%m/%Y. [default: by the column]"},
    ),
    (
        ("--as-of",),
        {"type": click.DateTime(["%Y-%m-%d"]), "help": "Day to count dates back from. [default: the latest]"},
    ),
    (
        ("--text",),
        {"multiple": True, "metavar": "COL", "help": "Read a column as text, exactly as it is. Repeatable."},
    ),
)
"""About columns and labels: a declared signature replaces all of them."""

_ROWS: tuple[_Option, ...] = (
    (("--target",), {"required": True, "metavar": "COL", "help": "Column to predict."}),
    (
        ("--drop-label",),
        {"multiple": True, "metavar": "LABEL", "help": "Drop rows with this target. Repeatable."},
    ),
    (
        ("--accept-leakage",),
        {"multiple": True, "metavar": "COL", "help": "Keep a column that gives the target away. Repeatable."},
    ),
)


def table_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the argument TABLE and the options to a command, which hands them to `training_options`."""
    command = file_options(command)
    for flags, settings in reversed((*_ROWS, *_COLUMNS)):
        command = click.option(*flags, **settings)(command)
    return click.argument("table", type=click.Path(path_type=Path))(command)


def training_options(chosen: dict[str, Any], signature: Path | None = None) -> "TrainingOptions":
    """The options of training from a command's parameters, with a declared signature's file. Raises CommandError."""
    from churn_api.tables.notation_inference import NotationOptions
    from churn_api.training.training_options import TrainingOptions

    replaced = [flags[0] for flags, _ in _COLUMNS if chosen[_parameter(flags)]] if signature else []
    if replaced:
        refuse(f"--signature cannot be combined with {', '.join(replaced)}")
    if chosen["date_format"] and not is_date_format(chosen["date_format"]):
        refuse("--date-format: write a day, a month and a year, as in %d/%m/%Y")
    others = dict(chosen)
    file = take_read_options(others)
    notation = NotationOptions(**{name: others.pop(name) for name in NotationOptions._fields})
    others["ranges"] = _ranges(others["ranges"])
    if others["as_of"]:
        others["as_of"] = others["as_of"].date()
    declared = read_signature(signature) if signature else None
    return TrainingOptions(signature=declared, file=file, notation=notation, **others)


def _parameter(flags: tuple[str, ...]) -> str:
    """The name under which click hands an option to its command."""
    return flags[-1].lstrip("-").replace("-", "_")


def _ranges(texts: tuple[str, ...]) -> dict[str, Any]:
    from churn_api.training.declared_ranges import parse_range

    try:
        return dict(map(parse_range, texts))
    except ValueError as error:
        refuse(f"--range: {error}")
