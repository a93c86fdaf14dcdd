"""The command as a whole: which commands it has, and what each of them loads."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from churn_api.cli import MODULES, main


@pytest.mark.parametrize("name", MODULES)
def test_every_command(name):
    """Every command that the help lists is there, explains itself, and is named as it is called."""
    done = CliRunner().invoke(main, [name, "--help"])
    assert done.exit_code == 0
    assert f"main {name} " in done.stdout
    assert f"  {name} " in CliRunner().invoke(main, ["--help"]).stdout


def test_no_such_command():
    """A name that is no command's is refused."""
    done = CliRunner().invoke(main, ["serves"])
    assert (done.exit_code, "No such command 'serves'" in done.stderr) == (2, True)


def test_serve_loads_little():
    """`churn-api serve` makes way for gunicorn without loading what that loads again: neither database nor NumPy."""
    code = (
        "import sys; from churn_api.cli import main\n"
        "assert main.get_command(None, 'serve')\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "gunicorn" in loaded
    assert not {"numpy", "sqlalchemy", "flask", "rich"} & set(loaded)
