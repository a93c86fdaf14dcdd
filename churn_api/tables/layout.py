"""Layout: where the data of a file stands, and what its columns are called."""

from pathlib import Path

from churn_api.tables.errors import TableError
from churn_api.tables.file_parts import Layout
from churn_api.tables.formats import FORMATS

__all__ = ["Layout", "prepare", "read_layout"]


def prepare(path: Path, format: str, folder: Path, max_bytes: int) -> Path:  # noqa: A002
    """A file that can be read anywhere in it: the file itself, or what it unfolds to, written into `folder`.

    Raises TableError, and TooLarge where it unfolds to more than `max_bytes`.
    """
    return FORMATS[format].prepare(path, folder, max_bytes)


def read_layout(path: Path, format: str) -> Layout:  # noqa: A002
    """The layout of a file that `prepare` returned. Raises TableError saying why it is no table."""
    if path.stat().st_size == 0:
        raise TableError(f"{path.name} is empty")
    return FORMATS[format].layout(path)
