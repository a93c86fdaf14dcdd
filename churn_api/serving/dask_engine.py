"""The Dask engine: a file's blocks over the workers of a cluster, and back in their order.

The cluster's workers see the models folder and the jobs folder under the same paths as this process does.
"""

import logging
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import CancelledError
from typing import Any

from dask.distributed import Client, KilledWorker, wait
from distributed.client import ClosedClientError
from distributed.comm.core import CommClosedError

from churn_api.serving.engine import Check, EngineAway, Function, ProcessKilled
from churn_api.serving.table_scorer import Scored
from churn_api.tables.file_parts import Block

AHEAD = 2
"""Blocks that wait for each thread of the cluster: none idles, and memory stays bounded."""
RETRIES = 3
"""How often a block is tried again whose worker died."""
CONNECT_SECONDS = 10
LOOK_SECONDS = 1
"""How often the check is asked while a block takes long, or the cluster has no workers."""

log = logging.getLogger(__name__)


def in_order(
    function: Function, todo: Iterator[Block], check: Check, *, scheduler: str
) -> Generator[Scored, None, None]:
    """The function of every block, in order, computed by the workers of a cluster.

    Raises what the function and the check raise, ProcessKilled where a block's workers died again and again, and
    EngineAway where there is no scheduler, or it has forgotten what it was asked for.
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
            raise ProcessKilled("workers of the cluster died again and again of one block") from error
        except (CancelledError, ClosedClientError, CommClosedError) as error:
            raise EngineAway("the Dask scheduler is gone, or was started anew") from error


def _connected(scheduler: str) -> Any:
    connect: Any = Client  # its types are not told
    try:
        return connect(scheduler, timeout=CONNECT_SECONDS)
    except OSError as error:
        raise EngineAway("there is no Dask scheduler at DASK_SCHEDULER") from error


def _threads(client: Any) -> int:
    """Of the whole cluster; one that has no workers yet is taken to get some."""
    threads: int = sum(client.nthreads().values())
    if threads == 0:
        log.warning("the Dask cluster has no workers; the job waits for the first one")
    return max(1, threads)


def _result(future: Any, check: Check) -> Any:
    wait_for: Any = wait
    while not future.done():
        try:
            wait_for([future], LOOK_SECONDS)
        except TimeoutError:
            check()
    return future.result()
