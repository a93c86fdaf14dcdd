"""Which version of a model a command uses: the requested one, the live one, or the newest."""

from collections.abc import Collection
from pathlib import Path

import click

from churn_api.cli.command_helpers import load_settings_or_refuse, refuse
from churn_api.config import StartError
from churn_api.contract.faults import did_you_mean
from churn_api.registry.bundle import bundle_digests
from churn_api.services import Services
from churn_api.store import schema
from churn_api.store.database import DatabaseAway


def select_bundle(name: str | None, version: str | None) -> tuple[Path, str]:
    """The folder and the digest of a model version. Without `version` the live one, without a database the newest.

    Raises CommandError where there is no such model or version.
    """
    settings = load_settings_or_refuse()
    name = name or settings["DEFAULT_MODEL"]
    models_dir = Path(settings["MODELS_DIR"])
    bundles = bundle_digests(models_dir)
    digests = bundles.get(name)
    if digests is None:
        refuse(f"the models folder {models_dir} holds no model named {name!r}. {_advice(bundles, name)}")
    version = version or _live_version(Services(settings), name) or list(digests)[-1]
    if version not in digests:
        refuse(f"{name!r} has no version {version}; it has {', '.join(digests)} (in {models_dir / name})")
    return models_dir / name / version, digests[version]


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


def _live_version(services: Services, name: str) -> str | None:
    """The live version in the catalogue; None where there is no database, or it cannot be read."""
    database = services.database
    if database.is_local and not Path(database.url.database or "").exists():
        return None
    try:
        schema.check(database)
        entry = services.catalog.read().get(name)
    except StartError as error:
        _warn_of_newest(str(error))
        return None
    except DatabaseAway as error:
        _warn_of_newest(f"the database {database.location} {error.state} ({error})")
        return None
    finally:
        database.close()
    return entry.live if entry else None


def _warn_of_newest(reason: str) -> None:
    click.echo(f"The newest version is used, since the live one is not known ({reason}).", err=True)
