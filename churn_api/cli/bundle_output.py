"""What `train` and `package` share: the name and the signature they are given, their errors, and what to do next."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from churn_api.cli.command_helpers import refuse
from churn_api.contract.signature import Signature, SignatureError
from churn_api.web import API_V1

if TYPE_CHECKING:
    from churn_api.registry.card_kinds import AnyCard


@contextmanager
def writing_bundle(settings: dict[str, Any]) -> Iterator[None]:
    """Report errors of training, and of a folder that cannot be written, as CommandError: one line."""
    from churn_api.training.training_error import TrainingError

    try:
        yield
    except TrainingError as error:
        refuse(str(error))
    except OSError as error:
        refuse(f"the bundle cannot be written to {settings['MODELS_DIR']}: {error.strerror}")


def model_name(name: str | None, settings: dict[str, Any]) -> str:
    """The name that was given, or the default model's. Raises CommandError."""
    from churn_api.registry.bundle import NAME

    chosen = str(name or settings["DEFAULT_MODEL"])
    if not NAME.fullmatch(chosen):
        refuse("a model's name has 1 to 64 letters, digits, - and _, and begins with a letter or digit")
    return chosen


def read_signature(path: Path) -> Signature:
    """A signature from a JSON file. Raises CommandError."""
    try:
        return Signature.from_json(path.read_bytes())
    except OSError as error:
        refuse(f"{path.name} cannot be read: {error.strerror}")
    except SignatureError as error:
        refuse(f"{path.name} is not a signature: {error}")


def print_next_steps(card: "AnyCard", settings: dict[str, Any], *, live: bool) -> None:
    """Print to stderr where the bundle is, and how to make it answer."""
    route = f"{API_V1}/predict" + ("" if card.name == settings["DEFAULT_MODEL"] else f"/{card.name}")
    state = "It is live" if live else f"Make it live: `churn-api models live {card.name} {card.version}`"
    click.echo(f"Written to {Path(settings['MODELS_DIR']) / card.name / card.version}.", err=True)
    click.echo(f"{state}. Running servers switch to it; else run `churn-api serve`. Then POST to {route}.", err=True)
