"""The registry of formats: no other module names a format."""

import ast
import subprocess
import sys

import pytest
from conftest import ROOT

from churn_api.tables.formats import FORMATS

NAMES = {word for known in FORMATS.values() for word in (known.name, known.media_type, *known.suffixes)}
HEAVY = ("pyarrow", "pandas", "sklearn", "onnxruntime")


def named_in(source: str) -> list[int]:
    """The lines of a module on which a constant is a format's name, its suffix or its media type."""
    constants = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return [node.lineno for node in constants if isinstance(node.value, str) and node.value in NAMES]


def test_no_format_is_named_elsewhere():
    """Outside tables/ no constant is the name, the suffix or the media type of a format."""
    package = ROOT / "churn_api"
    rooms = [path for path in package.rglob("*.py") if path.parent != package / "tables"]
    assert len(rooms) > 100
    assert {str(path): lines for path in rooms if (lines := named_in(path.read_text()))} == {}


@pytest.mark.parametrize("line", ['format == "csv"', "FORMATS['xlsx']", '("parquet", "arrow")', 'a = "text/csv"'])
def test_a_format_that_is_named_is_found(line):
    """The check above finds such a constant."""
    assert named_in(f"\n{line}\n") in ([2], [2, 2])


def test_importing_the_registry_is_cheap():
    """Importing the registry imports no library that reads or writes tables."""
    code = f"""
import sys
import churn_api.tables.formats as formats
for known in formats.FORMATS.values():
    known.name, known.media_type, known.suffix, known.gzipped, known.binary, known.header_rows, known.part_format
print(*[name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_formats_have_their_own_names():
    """No two formats share a name, a media type, a suffix or a magic number."""
    for mark in ("name", "title", "media_type"):
        assert len({getattr(known, mark) for known in FORMATS.values()}) == len(FORMATS)
    for marks in ("suffixes", "magic"):
        every = [mark for known in FORMATS.values() for mark in getattr(known, marks)]
        assert len(set(every)) == len(every)


def test_parts_are_of_a_known_format():
    """The parts of every format are encoded in a format of the registry."""
    assert {known.part_format for known in FORMATS.values()} <= set(FORMATS)


def test_one_file_a_format():
    """Every format has its own module."""
    assert len({type(known).__module__ for known in FORMATS.values()}) == len(FORMATS)
