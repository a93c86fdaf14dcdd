"""The architecture diagram: drawn from its text, which names every room in the order of the import contracts."""

import xml.etree.ElementTree as ET

import pytest
from conftest import ROOT
from test_walls import PACKAGE, contracts

from docs.diagram import draw

SOURCE = (ROOT / "docs" / "architecture.txt").read_text()
SVG = (ROOT / "docs" / "architecture.svg").read_text()


def boxes() -> list[str]:
    """The names of the boxes, row by row."""
    rows = [line for line in SOURCE.splitlines() if line.startswith(" ")]
    return [box.strip().partition(": ")[0] for row in rows for box in row.split("|")]


def test_is_that_of_its_text():
    """The picture is what `make diagram` draws of the text."""
    assert draw(SOURCE) == SVG


def test_shows_every_box():
    """The picture is an SVG with the name of each box, inside its bounds."""
    picture = ET.fromstring(SVG)  # noqa: S314 - a file of the project
    texts = list(picture.iter("{http://www.w3.org/2000/svg}text"))
    assert [one.text for one in texts if one.get("class") == "name"] == boxes()
    _, _, width, height = map(int, picture.attrib["viewBox"].split())
    assert all(0 < float(one.attrib["x"]) < width and 0 < float(one.attrib["y"]) < height for one in texts)


@pytest.mark.parametrize(("contract", "folder"), [("rooms", PACKAGE), ("web", PACKAGE / "web")])
def test_names_every_room_in_order(contract, folder):
    """Each package is a box, but for web, whose parts are; those of a lower layer come after those of a higher one."""
    layers = [
        [name.strip(" ()") for name in layer.split("|")]
        for layer in contracts()[contract]["layers"].split("\n")
        if layer
    ]
    depth = {name: index for index, layer in enumerate(layers) for name in layer}
    packages = {path.parent.name for path in folder.glob("*/__init__.py")} - {"web"}
    shown = [name for name in boxes() if name in depth]
    assert packages <= set(shown)
    assert [depth[name] for name in shown] == sorted(depth[name] for name in shown)
