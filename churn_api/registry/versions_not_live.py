"""Logs, at the start of a service, the versions that an operator may want to make live."""

import logging
from collections.abc import Iterable, Mapping

from churn_api.registry.catalog import Entry

SHOWN = 20
"""Versions that one log line names."""

log = logging.getLogger(__name__)


def log_not_live(catalog: Mapping[str, Entry], new: Iterable[tuple[str, str]]) -> None:
    """Log versions that were just registered, and the newest version of each model without a live version."""
    idle = {(name, list(entry.digests)[-1]) for name, entry in catalog.items() if entry.live is None}
    waiting = sorted(idle | set(new), key=lambda one: (one[0], int(one[1])))
    if waiting:
        named = ", ".join(f"{name} {version}" for name, version in waiting[:SHOWN])
        more = f" and {len(waiting) - SHOWN} more" if len(waiting) > SHOWN else ""
        log.warning("registered and not live: %s%s; `churn-api models live NAME VERSION` makes one live", named, more)
