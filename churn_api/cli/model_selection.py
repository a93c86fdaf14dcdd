"""Which version of a model a command uses: the requested one, the live one, or the newest."""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import click

from churn_api.cli.command_helpers import load_settings_or_refuse, refuse
from churn_api.config import StartError
from churn_api.contract.faults import did_you_mean
from churn_api.registry.bundle import bundle_digests
from churn_api.registry.catalog import Entry
from churn_api.registry.decision import CostsInForce
from churn_api.services import Services
from churn_api.store import schema
from churn_api.store.database import DatabaseAway

_UNKNOWN = {
    True: "The newest version is used, since the live one is not known ({}).",
    False: "The threshold of the model is used, since its costs are not known ({}).",
}
"""Warnings, by whether a version is to be chosen."""


class SelectedBundle(NamedTuple):
    """A version of a model that a command uses."""

    folder: Path
    digest: str
    costs: CostsInForce | None
    """The costs that the model's decisions follow; None where there is no database, or it cannot be read."""


def select_bundle(name: str | None, version: str | None) -> SelectedBundle:
    """A version of a model. Without `version` the live one, without a database the newest.

    Raises CommandError where there is no such model or version.
    """
    settings = load_settings_or_refuse()
    name = name or settings["DEFAULT_MODEL"]
    models_dir = Path(settings["MODELS_DIR"])
    bundles = bundle_digests(models_dir)
    digests = bundles.get(name)
    if digests is None:
        refuse(f"the models folder {models_dir} holds no model named {name!r}. {_advice(bundles, name)}")
    entry = _entry(Services(settings), name, version)
    version = version or (entry.live if entry else None) or list(digests)[-1]
    if version not in digests:
        refuse(f"{name!r} has no version {version}; it has {', '.join(digests)} (in {models_dir / name})")
    return SelectedBundle(models_dir / name / version, digests[version], entry.costs if entry else None)


def live_version(name: str) -> str | None:
    """The live version of a model; None where none is live. Raises CommandError where the database cannot be read."""
    services = Services(load_settings_or_refuse())
    database = services.database
    try:
        schema.check(database)
        entry = services.catalog.read().get(name)
    except StartError as error:
        refuse(f"the live version is not known: {error}")
    except DatabaseAway as error:
        refuse(f"the live version is not known: the database {database.location} {error.state} ({error})")
    finally:
        database.close()
    return entry.live if entry else None


def _advice(names: Collection[str], name: str) -> str:
    """What to do about a model that does not exist."""
    if not names:
        return "It is empty: `churn-api train --help` says how to train one, CHURN_MODELS_DIR where others are."
    return did_you_mean(name, names) or f"It holds {', '.join(names)}: name one of them."


def _entry(services: Services, name: str, version: str | None) -> Entry | None:
    """The model in the catalogue; None where there is no database, or, with a warning, where it cannot be read."""
    database = services.database
    if database.is_local and not Path(database.url.database or "").exists():
        return None
    try:
        schema.check(database)
        return services.catalog.read().get(name)
    except StartError as error:
        reason = str(error)
    except DatabaseAway as error:
        reason = f"the database {database.location} {error.state} ({error})"
    finally:
        database.close()
    click.echo(_UNKNOWN[version is None].format(reason), err=True)
    return None
