"""Warm-up of the process that forks workers, so that they share as much memory as possible.

CPython 3.11 specializes bytecode in place on first runs, and libraries fill caches. Done before the fork, the pages are
shared; done in each worker, each has a copy. Library code that only ran during loading is unmapped.
"""

import ctypes
import gc
import mmap
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import psutil

from churn_api.services import Services
from churn_api.web.core.flask_app import Api
from churn_api.web.core.wsgi_middleware import send_internal_request

ROUNDS = 20
"""Runs after which bytecode is specialized: https://peps.python.org/pep-0659/"""
ADDRESS = "/health/live"
"""A route without authentication that runs only the code that every request runs."""


def warm_up(app: Api, services: Services) -> None:
    """Prepare this process to fork workers."""
    _exercise(app, services)
    # No collection before: workers would fill the freed memory, and thereby copy its pages.
    gc.freeze()
    _unmap_code()


def _exercise(app: Api, services: Services) -> None:
    """Run what every worker will run, without logs and metrics."""
    services.warm_up(ROUNDS)
    for _ in range(ROUNDS):
        send_internal_request(app, ADDRESS)


def _unmap_code() -> None:
    """Release the memory of library code; code that runs again is read from its file again.

    Only mappings without modified pages, so nothing is lost.
    """
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for mapped in _mappings():
        if "w" not in mapped.perms and mapped.path.startswith("/") and not mapped.anonymous:
            start, end = (int(address, 16) for address in mapped.addr.split("-"))
            advise(start, end - start, mmap.MADV_DONTNEED)


def _mappings() -> Iterable[Any]:
    """The memory mappings of this process; empty where the system does not report them."""
    if not psutil.LINUX or not hasattr(psutil.Process, "memory_maps"):
        return ()
    with suppress(psutil.Error, OSError):
        return psutil.Process().memory_maps(grouped=False)
    return ()
