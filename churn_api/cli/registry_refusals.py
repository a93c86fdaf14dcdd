"""Errors of the registry as errors of a command."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from churn_api.cli.command_helpers import refuse
from churn_api.contract.faults import did_you_mean
from churn_api.registry.bundle import bundle_digests
from churn_api.registry.catalog import Conflict
from churn_api.registry.management import Unusable
from churn_api.registry.model_errors import ModelNotReady, OtherKind, UnknownModel, UnknownVersion


@contextmanager
def registry_refusals(models_dir: Path) -> Iterator[None]:
    """Turn the registry's errors into CommandError; add the models folder, which texts for clients do not name."""
    try:
        yield
    except (Unusable, Conflict, ModelNotReady, OtherKind) as error:
        refuse(f"{error} (models folder: {models_dir})")
    except UnknownModel as error:
        refuse_unknown(error.args[0], models_dir)
    except UnknownVersion as error:
        refuse(f"there is no version {error.args[0]}: `churn-api models list` lists them (models folder: {models_dir})")


def refuse_unknown(name: str, models_dir: Path) -> NoReturn:
    """End the command: there is no such model."""
    hint = did_you_mean(name, bundle_digests(models_dir)) or "`churn-api models list` lists them."
    refuse(f"there is no model {name!r}. {hint} (models folder: {models_dir})")
