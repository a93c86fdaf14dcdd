"""What keeps a process small that does nothing but score tables."""

import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

_SYSTEM_POOL = ("ARROW_DEFAULT_MEMORY_POOL", "system")
_GIVEN_BACK = ("MALLOC_MMAP_THRESHOLD_", str(1 << 20))
"""Bytes from which on glibc gives memory back at once; by itself it raises that, and keeps what a block took."""


def reduce_arrow_memory() -> None:
    """Have Arrow give back what it frees, and do without pandas. For processes of this program's own, once each.

    Before anything loads pyarrow: its own pools keep some 30 MB for later. It loads pandas, where that is installed,
    with the first array, which is as much again.
    """
    for name, value in (_SYSTEM_POOL, _GIVEN_BACK):
        os.environ.setdefault(name, value)  # noqa: TID251 - set, not read; the second is for the processes to come
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        import pyarrow as pa

        pa.array([0])  # looks for pandas, once and never again
    finally:
        sys.meta_path.remove(finder)


class _NoPandas(MetaPathFinder):
    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        if name == "pandas":
            raise ModuleNotFoundError(name)
        return None
