"""Decompresses gzipped files within bounds."""

import gzip
import zlib
from pathlib import Path

from churn_api.contract.size_limits import Bounds
from churn_api.tables.table_errors import TableError
from churn_api.tables.table_size import check_size

_GZIP = b"\x1f\x8b"
_PIECE = 1 << 20


def decompress(path: Path, folder: Path, bounds: Bounds) -> Path:
    """The file itself, or its decompressed content in `folder` where it is gzipped. Raises TableError or TooLarge."""
    with path.open("rb") as file:
        if file.read(len(_GZIP)) != _GZIP:
            return path
    return _decompress(path, folder / f"{path.name}.unzipped", bounds.bytes)


def _decompress(path: Path, target: Path, max_bytes: int) -> Path:
    written = 0
    try:
        with gzip.open(path) as source, target.open("wb") as file:
            while piece := source.read(_PIECE):
                written = check_size(path, written + len(piece), max_bytes)
                file.write(piece)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TableError(f"{path.name} is not a complete gzip file") from error
    return target
