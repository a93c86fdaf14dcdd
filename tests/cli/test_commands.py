"""The `churn-api` command: its subcommands, and what each of them imports."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from churn_api.cli import MODULES, main


@pytest.mark.parametrize("name", MODULES)
def test_every_command(name):
    """Every command in the help exists and has a help text of its own."""
    done = CliRunner().invoke(main, [name, "--help"])
    assert done.exit_code == 0
    assert f"main {name} " in done.stdout
    assert f"  {name} " in CliRunner().invoke(main, ["--help"]).stdout


def test_no_such_command():
    """An unknown command is refused."""
    done = CliRunner().invoke(main, ["serves"])
    assert (done.exit_code, "No such command 'serves'" in done.stderr) == (2, True)


def leaves(command, path=()):
    """Every command, with its path from the root."""
    if not isinstance(command, click.Group):
        return [(path, command)]
    context = click.Context(command)
    names = command.list_commands(context)
    return [leaf for name in names for leaf in leaves(command.get_command(context, name), (*path, name))]


@pytest.mark.parametrize(
    ("path", "command"), leaves(main), ids=lambda value: " ".join(value) if type(value) is tuple else ""
)
def test_bytes_that_are_no_text(path, command):
    """An argument or option whose bytes are not UTF-8 is refused in one line, whatever it is for."""
    odd = b"\xff.csv".decode(errors="surrogateescape")
    options = [parameter.opts[-1] for parameter in command.params if isinstance(parameter, click.Option)]
    for arguments in ([odd, "1"], ["1", odd], [f"--{odd}"], *([option, odd] for option in options)):
        done = CliRunner().invoke(main, [*path, *arguments])
        assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
        assert "is not UTF-8 text" in done.stderr


@pytest.mark.parametrize("arguments", [[b"score", b"\xff.csv"], [b"models", b"live", b"\xff", b"1"], [b"\xff"]])
def test_real_bytes(arguments):
    """Bytes from a real shell are refused in the same way."""
    done = subprocess.run([sys.executable, "-m", "churn_api", *arguments], capture_output=True)
    position = arguments.index(next(one for one in arguments if b"\xff" in one)) + 1
    assert (done.returncode, done.stderr) == (2, b"Error: argument %d is not UTF-8 text\n" % position)


def test_serve_loads_little():
    """`churn-api serve` imports neither SQLAlchemy nor NumPy, which gunicorn's process loads again."""
    code = (
        "import sys; from churn_api.cli import main\n"
        "assert main.get_command(None, 'serve')\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "gunicorn" in loaded
    assert not {"numpy", "sqlalchemy", "flask", "rich"} & set(loaded)
