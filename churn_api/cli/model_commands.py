"""`churn-api models`: list, show, compare, register, make live and unload models."""

from typing import TYPE_CHECKING

import click
import msgspec
import orjson

from churn_api.cli.command_helpers import actor, open_services, print_table, refuse
from churn_api.cli.compare_command import compare
from churn_api.cli.model_list import HEAD, list_models, rows
from churn_api.cli.registry_refusals import refuse_unknown, registry_refusals
from churn_api.registry.bundle import BundleError, bundle_digests, read_any_card

if TYPE_CHECKING:
    from churn_api.services import Services

EXAMPLES = """
\b
Examples:
  churn-api models list
  churn-api models compare telco 1 2
  churn-api models register telco/2
  churn-api models live telco 2
  churn-api models live telco 1        (a rollback is the same command)
"""


@click.group(epilog=EXAMPLES)
def models() -> None:
    """Models, their versions, and which version is live."""


@models.command("list")
@click.option("--json", "json_", is_flag=True, help="Print one JSON list instead of the table.")
def list_(json_: bool) -> None:
    """List every version of the catalogue and of the models folder, with its state, its date and its metrics."""
    with open_services() as services:
        known = services.catalog.read()
        bundles = bundle_digests(services.models_dir)
    listed = list_models(services.models_dir, known, bundles)
    if json_:
        click.echo(orjson.dumps(listed))
    else:
        print_table(HEAD, rows(listed))


@models.command()
@click.argument("name")
@click.argument("version", required=False)
def show(name: str, version: str | None) -> None:
    """Print the card of VERSION (JSON); without VERSION, of the live version, else of the newest."""
    with open_services() as services:
        folder = services.models_dir / name / (version or _default_version(services, name))
        try:
            card = read_any_card(folder)
        except BundleError as error:
            refuse(f"{folder}: {error}")
    click.echo(msgspec.json.format(msgspec.json.encode(card), indent=2))


@models.command()
@click.argument("path", metavar="NAME/VERSION")
def register(path: str) -> None:
    """Register a bundle in the models folder. Its files and golden rows are checked first."""
    with open_services() as services, registry_refusals(services.models_dir):
        name, version = services.management.register(path, by=actor())
    click.echo(f"{name}, version {version}, is registered")
    click.echo(f"Make it live: churn-api models live {name} {version}", err=True)


@models.command()
@click.argument("name")
@click.argument("version")
def live(name: str, version: str) -> None:
    """Make VERSION of NAME live; register it first where needed. Workers switch within two seconds."""
    make_live(name, version)
    click.echo(f"{name}: version {version} is live")


@models.command()
@click.argument("name")
def unload(name: str) -> None:
    """Unload NAME: none of its versions is live then. Files and registered versions stay."""
    with open_services() as services, registry_refusals(services.models_dir):
        services.management.unload(name, by=actor())
    click.echo(f"{name} is unloaded")


models.add_command(compare)


def make_live(name: str, version: str) -> None:
    """Make a version live; register it first where needed. Raises CommandError."""
    with open_services() as services, registry_refusals(services.models_dir):
        services.management.make_bundle_live(name, version, by=actor())


def make_newest_live() -> None:
    """Make the newest version live of each model that has none. Raises CommandError."""
    with open_services() as services, registry_refusals(services.models_dir):
        known = services.catalog.read()
        for name, versions in bundle_digests(services.models_dir).items():
            if name not in known or known[name].live is None:
                services.management.make_bundle_live(name, list(versions)[-1], by=actor())


def _default_version(services: "Services", name: str) -> str:
    """The live version of a model, else the version of its newest bundle."""
    known, bundles = services.catalog.read(), bundle_digests(services.models_dir)
    if name in known and (live := known[name].live) is not None:
        return live
    if name not in bundles:
        refuse_unknown(name, services.models_dir)
    return list(bundles[name])[-1]
