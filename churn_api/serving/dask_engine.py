"""The Dask engine: computes a file's blocks on the workers of a cluster, and returns results in order.

The cluster's workers must see the models folder and the jobs folder under the same paths as this process.
"""

import logging
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import CancelledError
from typing import Any

from dask.distributed import Client, KilledWorker, wait
from distributed.client import ClosedClientError
from distributed.comm.core import CommClosedError

from churn_api.serving.engine import Check, EngineUnavailable, Function, ProcessKilled
from churn_api.serving.scored_blocks import ScoredBlock
from churn_api.tables.file_parts import Block

AHEAD = 2
"""Blocks queued per thread of the cluster: no thread idles, and memory stays bounded."""
RETRIES = 3
"""How often a block is retried after its worker died."""
CONNECT_SECONDS = 10
CHECK_INTERVAL_SECONDS = 1
"""Interval of calls of `check` while a block takes long, or the cluster has no workers."""

log = logging.getLogger(__name__)


def in_order(
    function: Function, todo: Iterator[Block], check: Check, *, scheduler: str
) -> Generator[ScoredBlock, None, None]:
    """Apply `function` to every block on the workers of a cluster; yields results in order.

    Raises what `function` and `check` raise, ProcessKilled where the workers of a block died repeatedly, and
    EngineUnavailable where the scheduler is unreachable or has lost its tasks.
    """
    with _connected(scheduler) as client:
        begun: deque[Any] = deque()
        try:
            for block in todo:
                begun.append(client.submit(function, block, pure=False, retries=RETRIES))
                if len(begun) >= AHEAD * _threads(client):
                    yield _result(begun.popleft(), check)
            while begun:
                yield _result(begun.popleft(), check)
        except KilledWorker as error:
            raise ProcessKilled("the workers of one block died repeatedly") from error
        except (CancelledError, ClosedClientError, CommClosedError) as error:
            raise EngineUnavailable("the Dask scheduler is gone, or was restarted") from error


def _connected(scheduler: str) -> Any:
    connect: Any = Client  # Dask has no type annotations
    try:
        return connect(scheduler, timeout=CONNECT_SECONDS)
    except OSError as error:
        raise EngineUnavailable("there is no Dask scheduler at DASK_SCHEDULER") from error


def _threads(client: Any) -> int:
    """Threads of the cluster; at least 1, since a cluster without workers may get some."""
    threads: int = sum(client.nthreads().values())
    if threads == 0:
        log.warning("the Dask cluster has no workers; the job waits for the first one")
    return max(1, threads)


def _result(future: Any, check: Check) -> Any:
    wait_for: Any = wait
    while not future.done():
        try:
            wait_for([future], CHECK_INTERVAL_SECONDS)
        except TimeoutError:
            check()
    return future.result()
