"""The public names of `churn_api`."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import churn_api

SOURCE = ast.parse(Path(churn_api.__file__).read_text())


def imported_for_types() -> dict[str, str]:
    """The module of each public name, as type checkers see it."""
    return {
        alias.name: str(node.module)
        for node in ast.walk(SOURCE)
        if isinstance(node, ast.ImportFrom) and node.module != "importlib"
        for alias in node.names
    }


def test_every_name_is_there():
    """Each public name can be imported and is listed by `dir`, and type checkers resolve the same object."""
    assert dir(churn_api) == sorted(churn_api.__all__)
    for_types = imported_for_types()
    assert {*for_types, "__version__"} == set(churn_api.__all__)
    for name, module in for_types.items():
        assert getattr(churn_api, name) is getattr(importlib.import_module(module), name)


def test_no_name_is_a_modules():
    """No public name is also the name of a module, which would replace it once imported."""
    modules = {path.stem for path in Path(churn_api.__file__).parent.iterdir()}
    assert not modules & (set(churn_api.__all__) - {"__version__"})


def test_other_names():
    """A name that is not public raises AttributeError, and ImportError where it is imported."""
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        _ = churn_api.laod
    with pytest.raises(ImportError):
        importlib.import_module("churn_api.laod")


def test_importing_loads_nothing():
    """`import churn_api`, its version and its list of names import no other module."""
    code = (
        "import sys; before = set(sys.modules); import churn_api; churn_api.__version__, dir(churn_api)\n"
        "print(*set(sys.modules) - before)"
    )
    # Without site, which imports importlib in an editable installation.
    root = Path(churn_api.__file__).parents[1]
    command = [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {str(root)!r})\n{code}"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == ["churn_api"]
