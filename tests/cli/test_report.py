"""`churn-api report`, as used in a shell."""

import json
import re
import shutil
import struct
import sys

import msgspec
import pytest
from click.testing import CliRunner

from churn_api.cli import main
from churn_api.registry.bundle import ONNX_FILE, read_card, write_bundle


@pytest.fixture
def run(models_dir, monkeypatch):
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models_dir))
    return lambda *arguments: CliRunner().invoke(main, ["report", *map(str, arguments)])


def test_page(run, tmp_path):
    """`report MODEL VERSION -o FILE` writes a page about this version."""
    done = run("small", "1", "-o", tmp_path / "report.html")
    assert (done.exit_code, done.stdout) == (0, ""), done.stderr
    page = (tmp_path / "report.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "small, version 1: how well it predicts churn" in page


def test_live_version(run):
    """Without a version and a file, the live version's page is printed."""
    assert "small, version 2: how well" in run("small").stdout


def test_against(run):
    """`--against` adds the metrics of another version."""
    assert '<th class="number">Version 1</th>' in run("small", "2", "--against", "1").stdout


def test_formats(run, tmp_path):
    """The suffix of the file names the format, and `--format` overrides it."""
    run("small", "1", "-o", tmp_path / "charts.svg")
    assert (tmp_path / "charts.svg").read_text().startswith("<svg ")
    run("small", "1", "-o", tmp_path / "data.json")
    data = json.loads((tmp_path / "data.json").read_text())
    assert json.loads(run("small", "1", "--format", "json").stdout) == data
    assert len(data["gains"]) == 101


def test_png(run, tmp_path):
    """A PNG is the sheet of charts at twice its size."""
    done = run("small", "1", "--against", "2", "-o", tmp_path / "charts.png")
    assert done.exit_code == 0, done.stderr
    picture = (tmp_path / "charts.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    sheet = re.search(r'width="(\d+)" height="(\d+)"', run("small", "1", "--format", "svg").stdout)
    width, height = struct.unpack(">II", picture[16:24])
    assert width == pytest.approx(2 * int(sheet[1]), abs=2)
    assert height == pytest.approx(2 * int(sheet[2]), abs=2)


def test_png_without_the_extra(run, monkeypatch):
    """Without the extra `report`, a PNG is refused in one line that says what to install."""
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    done = run("small", "1", "--format", "png")
    assert (done.exit_code, done.stderr) == (
        2,
        "Error: PNG needs the extra 'report': pip install 'churn-api[report]'\n",
    )


def test_no_report(run, models_dir, tmp_path, monkeypatch):
    """A bundle without a report is refused with what to do."""
    folder = models_dir / "small" / "1"
    card = msgspec.structs.replace(read_card(folder), name="old")
    write_bundle(tmp_path, card, {ONNX_FILE: (folder / ONNX_FILE).read_bytes()})
    monkeypatch.setenv("CHURN_MODELS_DIR", str(tmp_path))
    done = run("old")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "has no report" in done.stderr
    assert "Train it again" in done.stderr


def test_changed_report(run, models_dir, tmp_path, monkeypatch):
    """A report that was changed is refused, and nothing is written."""
    shutil.copytree(models_dir / "small", tmp_path / "small")
    (tmp_path / "small" / "1" / "report.json").write_text("{}")
    monkeypatch.setenv("CHURN_MODELS_DIR", str(tmp_path))
    done = run("small", "1", "-o", tmp_path / "report.html")
    assert (done.exit_code, "report.json is not the file" in done.stderr) == (2, True)
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["smal"], "Did you mean 'small'?"),
        (["small", "9"], "has no version 9"),
        (["small", "1", "--against", "9"], "has no version 9"),
        (["small", "1", "-o", "nowhere/report.html"], "there is no folder"),
    ],
)
def test_refusals(run, arguments, message):
    """A model, a version or a folder that does not exist is refused in one line."""
    done = run(*arguments)
    assert (done.exit_code, done.stderr.count("\n"), message in done.stderr) == (2, 1, True), done.stderr
