"""Erasure in the files of one log folder: each knows which erasures it has carried out."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec
import pyarrow.parquet

from churn_api.monitoring.erasures import Erased
from churn_api.monitoring.log_folder import LogFolder
from churn_api.monitoring.log_parts import read_sources, write_part
from churn_api.monitoring.logged_predictions import without_erased

_STATE = "erased.json"


def erase_from_files(folder: LogFolder, erased: Erased) -> int:
    """Rewrite the files that have rows of customers who were erased since the last call; how many. Raises OSError."""
    state = folder.path / _STATE
    done = _read_state(state)
    new = {customer: at for customer, at in erased.items() if done.get(customer.hex()) != at}
    if not new:
        return 0
    last = max(new.values()).date()
    days = [day for model in folder.models() for day in folder.days(model) if day.day <= last]
    rewritten = sum(_erase_from(part, new) for day in days for part in day.parts())
    _write_state(state, {customer.hex(): at for customer, at in erased.items()})
    return rewritten


def _erase_from(part: Path, erased: Erased) -> bool:
    keys = pyarrow.parquet.read_table(part, columns=["at", "customer"], partitioning=None)
    if len(without_erased(keys, erased)) == len(keys):
        return False
    table = pyarrow.parquet.read_table(part, partitioning=None)
    write_part(part, without_erased(table, erased), read_sources(part))
    return True


def _read_state(path: Path) -> Mapping[str, datetime]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, datetime])
    except FileNotFoundError:
        return {}


def _write_state(path: Path, state: Mapping[str, datetime]) -> None:
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_bytes(msgspec.json.encode(state))
    unfinished.replace(path)
