"""The import contracts of setup.cfg find what they forbid in every room: it is planted in a copy of the package."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from configparser import ConfigParser
from importlib.metadata import packages_distributions, requires
from itertools import product
from pathlib import Path
from typing import NamedTuple

import grimp
import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "churn_api"
ROOMS = sorted({path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()})
ROOMS.remove("__init__")

FLASK = ("flask", "werkzeug", "flask_cors", "flask_limiter", "flasgger", "prometheus_flask_exporter")
WALLS: tuple[tuple[str, tuple[str, ...], set[str]], ...] = (
    ("flask", FLASK, {"app", "web"}),
    ("sklearn", ("sklearn", "skl2onnx", "joblib", "pandas"), {"training"}),
    ("onnxruntime", ("onnxruntime",), set()),
    ("pyarrow", ("pyarrow",), {"tables", "serving", "jobs", "monitoring", "python_api", "training", "web"}),
)
"""Contracts, the libraries behind each, and the rooms that may import them in any file. A scorer may in its own."""
BLUEPRINTS = ("v1", "pages", "protocols")


class Plant(NamedTuple):
    """An import in a module of its own, and the contract that it breaks."""

    contract: str
    module: str
    imported: str


def layers() -> list[list[str]]:
    """The rooms of the contract, from the top; those of one layer together."""
    listed = contracts()["rooms"]["layers"].split("\n")
    return [[room.strip(" ()") for room in layer.split("|")] for layer in listed if layer]


def contracts() -> dict[str, Mapping[str, str]]:
    """The contracts of setup.cfg by their names there."""
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg")
    start = "importlinter:contract:"
    return {name.removeprefix(start): parser[name] for name in parser.sections() if name.startswith(start)}


def not_below(room: str) -> list[str]:
    """The existing packages above a package and on its level."""
    order = layers()
    place = next((index for index, layer in enumerate(order) if room in layer), None)
    assert place is not None, f"no layer of the contract lists {room}"
    return [other for layer in order[: place + 1] for other in layer if other in ROOMS and other != room]


def wrong_imports() -> Iterator[Plant]:
    """In every room: each library that it may not import, and every room that is not below it."""
    for room in ROOMS:
        for contract, libraries, rooms in WALLS:
            for library in libraries if room not in rooms else ():
                yield Plant(contract, f"churn_api.{room}.planted_{library}", library)
        for other in not_below(room):
            yield Plant("rooms", f"churn_api.{room}.planted_{other}", f"churn_api.{other}")
    for room in ("app", "server", "services", "web"):
        yield Plant("training", f"churn_api.{room}.planted_training", "churn_api.training")
    for library in ("io", "mmap", "os", "pathlib", "shutil", "tempfile"):
        yield Plant("files", f"churn_api.contract.planted_{library}", library)
    yield Plant("web", "churn_api.web.core.planted_v1", "churn_api.web.v1")
    yield Plant("web", "churn_api.web.core.planted_pages", "churn_api.web.pages")
    yield Plant("web", "churn_api.web.v1.planted_pages", "churn_api.web.pages")


def wrong_neighbours() -> Iterator[Plant]:
    """A cycle in every package, imports between blueprints, and unlisted packages."""
    for package in (PACKAGE, *PACKAGE.rglob("*")):
        if (package / "__init__.py").exists():
            parts = package.relative_to(ROOT).parts
            one, other = (".".join((*parts, f"planted_{which}_" + "_".join(parts))) for which in ("here", "there"))
            yield Plant("circles", one, other)
            yield Plant("circles", other, one)
    for folder in BLUEPRINTS:
        yield Plant("blueprints", f"churn_api.web.{folder}.planted_blueprint", f"churn_api.web.{folder}.planted_other")
        yield Plant("blueprints", f"churn_api.web.{folder}.planted_other", "json")
        yield Plant("blueprints", f"churn_api.web.{folder}.shared.planted", f"churn_api.web.{folder}.planted_other")
    yield Plant("blueprints", "churn_api.web.pages.planted_page", "churn_api.web.v1.planted_other")
    yield Plant("rooms", "churn_api.newroom", "json")
    yield Plant("rooms", "churn_api.newroom_of_one_file", "json")
    yield Plant("web", "churn_api.web.newfolder", "json")


def allowed_imports() -> Iterator[Plant]:
    """Each library in the rooms that may import it."""
    for _, libraries, rooms in WALLS:
        for room, library in product(rooms, libraries):
            folder = "web.core" if room == "web" else room
            yield Plant("", f"churn_api.{folder}.planted_{library}", library)
    for library in ("sklearn", "joblib", "pandas"):
        yield Plant("", f"churn_api.scoring.sklearn.planted_{library}", library)
    yield Plant("", "churn_api.scoring.onnx.planted_onnxruntime", "onnxruntime")
    for folder in BLUEPRINTS:
        yield Plant("", f"churn_api.web.{folder}.planted_user", f"churn_api.web.{folder}.shared.planted_helper")


def write(plant: Plant, root: Path) -> None:
    """Put a plant into a copy; a module that it stands in becomes a package that begins with the same lines."""
    *parents, name = plant.module.split(".")
    folder = root
    for parent in parents:
        folder /= parent
        file = folder.with_suffix(".py")
        if file.exists():
            folder.mkdir()
            file.rename(folder / "__init__.py")
        folder.mkdir(exist_ok=True)
        (folder / "__init__.py").touch()
    (folder / f"{name}.py").write_text(f"import {plant.imported}\n")


def lint(plants: Iterable[Plant], root: Path) -> dict[str, str]:
    """What lint-imports says of a copy with plants, by the contract that it finds broken."""
    shutil.copytree(PACKAGE, root / "churn_api", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "setup.cfg", root)
    for plant in plants:
        write(plant, root)
    command = [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache", "--config", "setup.cfg"]
    environ = os.environ | {"COLUMNS": "1000", "PYTHONPATH": str(root)}
    said = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, timeout=120).stdout
    names = {contract["name"]: key for key, contract in contracts().items()}
    broken = said.partition("Broken contracts")[2]
    heading = "|".join(re.escape(f"\n{name}\n{'-' * len(name)}\n") for name in names)
    texts = re.split(f"({heading})", broken)[1:]
    return {names[name.split("\n")[1]]: text for name, text in zip(texts[::2], texts[1::2], strict=True)}


def is_named(plant: Plant, text: str) -> bool:
    """Whether a contract's text names a planted module, of circles by its last name."""
    name = plant.module.rpartition(".")[2] if plant.contract == "circles" else plant.module
    return re.search(rf"(?<!\w){re.escape(name)}(?![\w.])", text) is not None


@pytest.mark.parametrize("plants", [wrong_imports, wrong_neighbours])
def test_planted_imports_are_found(plants, tmp_path):
    """Each contract names every import that is planted against it, in each room that there is."""
    planted = list(plants())
    said = lint(planted, tmp_path)
    missed = [plant for plant in planted if not is_named(plant, said.get(plant.contract, ""))]
    assert not missed, "not found:\n" + "\n".join(map(str, missed))


def test_allowed_imports_are_not_named(tmp_path):
    """No contract names an import where it is allowed."""
    planted = list(allowed_imports())
    said = lint(planted, tmp_path)
    named = [(contract, plant) for plant in planted for contract, text in said.items() if is_named(plant, text)]
    assert not named, "named:\n" + "\n".join(map(str, named))


def test_libraries_that_need_flask_are_behind_its_wall():
    """Every library that is imported here and needs Flask itself is one that the wall around Flask names."""
    modules = grimp.build_graph("churn_api", include_external_packages=True, cache_dir=None).modules
    external = {name for name in modules if "." not in name}
    distributions = packages_distributions()
    needing = {
        name
        for name in external - {"churn_api"}
        for distribution in distributions.get(name, ())
        if any(re.match(r"flask\b(?!-)", line, re.IGNORECASE) for line in requires(distribution) or ())
    }
    assert needing <= set(contracts()["flask"]["protected_modules"].split())


def test_rooms_take_only_the_version_from_the_root():
    """What the root offers stands above all rooms, and goes past the contracts: a room takes its version alone."""
    taken = {
        (str(file.relative_to(ROOT)), alias.name)
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        for alias in taken_from_root(node)
    }
    assert {name for _, name in taken} == {"__version__"}, taken


def taken_from_root(node: ast.AST) -> list[ast.alias]:
    """The names that a statement takes from the package's root."""
    if isinstance(node, ast.Import):
        return [alias for alias in node.names if alias.name == "churn_api"]
    if isinstance(node, ast.ImportFrom) and node.module == "churn_api":
        return [alias for alias in node.names if alias.name not in ROOMS]
    return []
