"""Reduces the memory of processes that only score tables."""

import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

_SYSTEM_POOL = ("ARROW_DEFAULT_MEMORY_POOL", "system")
_MMAP_THRESHOLD = ("MALLOC_MMAP_THRESHOLD_", str(1 << 20))
"""Size in bytes from which glibc returns freed memory at once; by default it raises this and keeps a block's memory."""


def reduce_arrow_memory() -> None:
    """Make Arrow return freed memory to the system, and keep it from importing pandas. Call it once per process.

    Call it before anything imports pyarrow: its default pool keeps some 30 MB. With the first array pyarrow imports
    pandas where it is installed, which takes as much again.
    """
    for name, value in (_SYSTEM_POOL, _MMAP_THRESHOLD):
        os.environ.setdefault(name, value)  # noqa: TID251 - set, not read; the second is for child processes
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        import pyarrow as pa

        pa.array([0])  # pyarrow looks for pandas once
    finally:
        sys.meta_path.remove(finder)


class _NoPandas(MetaPathFinder):
    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        if name == "pandas":
            raise ModuleNotFoundError(name)
        return None
