"""Where figures go: between two marks of a document, under the date and the machine."""

import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.servers import ROOT

README = ROOT / "benchmarks" / "README.md"


def table_of(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" if line is not lines[1] else "|---" * len(head) + "|" for line in lines)


def write_figures(name: str, text: str, *, document: Path = README, dry: bool) -> None:
    """Print figures, and put them between a document's marks of that name."""
    dated = f"{_when()}\n\n{text}"
    print(dated)
    if dry:
        return
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    marked = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.S)
    document.write_text(marked.sub(lambda _: f"{begin}\n{dated}\n{end}", document.read_text()))


def _when() -> str:
    memory = psutil.virtual_memory().total / 2**30
    machine = f"{psutil.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"
    return f"{datetime.now(UTC):%Y-%m-%d}, {machine}."
