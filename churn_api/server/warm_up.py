"""What the process that forks workers does last, so that they share what none of them changes.

CPython 3.11 writes into code when it is first run, and libraries keep what they are first asked for: done here, all of
that is shared; done in each worker, it is each worker's own. And what was run for loading alone need not stay mapped.
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
"""Code that has run so often has been specialised: https://peps.python.org/pep-0659/"""
ADDRESS = "/health/live"
"""Asks of nobody who they are, and for nothing but what every request passes through."""


def warm_up(app: Api, services: Services) -> None:
    """Make this process one to fork workers of an application from, so that they share as much as they can."""
    _exercise(app, services)
    # Nothing is collected before: what garbage leaves free here, each worker would fill with a copy of the page.
    gc.freeze()
    _unmap_code()


def _exercise(app: Api, services: Services) -> None:
    """Do, unseen, what every worker will be doing."""
    services.warm_up(ROUNDS)
    for _ in range(ROUNDS):
        send_internal_request(app, ADDRESS)


def _unmap_code() -> None:
    """Let the system take back the code of libraries; what is run again comes from their files again.

    Only where no page differs from its file: nothing can be lost.
    """
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for mapped in _mappings():
        if "w" not in mapped.perms and mapped.path.startswith("/") and not mapped.anonymous:
            start, end = (int(address, 16) for address in mapped.addr.split("-"))
            advise(start, end - start, mmap.MADV_DONTNEED)


def _mappings() -> Iterable[Any]:
    """What is mapped into this process; nothing where the system does not say."""
    if not psutil.LINUX or not hasattr(psutil.Process, "memory_maps"):
        return ()
    with suppress(psutil.Error, OSError):
        return psutil.Process().memory_maps(grouped=False)
    return ()
