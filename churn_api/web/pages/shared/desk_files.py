"""The files of the desk: scripts, styles and words, below an address that has their digest."""

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[1] / "static" / "desk"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
"""By suffix. Not by `mimetypes`, which asks the machine, while `nosniff` makes a browser refuse a wrong one."""

_COMMENT = re.compile(rb"/\*\*.*?\*/ ?", re.DOTALL)
"""A quarter of the scripts are descriptions and types, which the compiler of the tests reads and a browser does not."""
_IMPORT = re.compile(rb'\bfrom "\./([\w.-]+)"')
_INDENTATION = re.compile(rb"^[ \t]+|[ \t]+$", re.MULTILINE)
_AROUND_MARKS = re.compile(rb"/\*.*?\*/|;?\s*(?=\})|(?<=[{};,])\s+|\s+(?=\{)", re.DOTALL)
"""Of styles: comments, and space next to braces, semicolons and commas, none of which stand in a text of theirs."""


class DeskFiles(NamedTuple):
    """The content of each file by its path below the folder, and one digest of all."""

    content: Mapping[str, bytes]
    digest: str

    def needed_by(self, *scripts: str) -> list[str]:
        """Scripts and what they import, directly or not: a page that names all of them loads them side by side."""
        needed, waiting = set(scripts), list(scripts)
        while waiting:
            imported = {name.decode() for name in _IMPORT.findall(self.content[waiting.pop()])}
            waiting += imported - needed
            needed |= imported
        return sorted(needed)


@cache
def desk_files() -> DeskFiles:
    """All files of the desk, read once a process.

    The digest is of all files together and stands in the path, so that a script imports another by its plain name and
    gets the one that was shipped with it.
    """
    paths = sorted(path for path in FOLDER.rglob("*") if path.suffix in MEDIA_TYPES)
    content = {path.relative_to(FOLDER).as_posix(): _shortened(path) for path in paths}
    digest = hashlib.sha256()
    for name, data in content.items():
        digest.update(f"{name}\n{len(data)}\n".encode() + data)
    return DeskFiles(content, digest.hexdigest()[:16])


def _shortened(path: Path) -> bytes:
    """The content of a file without comments and space, each line of a script in its place: errors name lines."""
    data = path.read_bytes()
    if path.suffix == ".css":
        return _AROUND_MARKS.sub(b"", data)
    if path.suffix == ".json":
        return json.dumps(json.loads(data), ensure_ascii=False, separators=(",", ":")).encode()
    if path.suffix == ".js":
        data = _COMMENT.sub(lambda comment: b"\n" * comment[0].count(b"\n"), data)
    return data if path.suffix == ".svg" else _INDENTATION.sub(b"", data)


@cache
def desk_words() -> Mapping[str, Mapping[str, str]]:
    """The words of the desk in each language, by its ISO 639 code."""
    named = {name: data for name, data in desk_files().content.items() if name.startswith("words/")}
    return {Path(name).stem: json.loads(data) for name, data in named.items()}
