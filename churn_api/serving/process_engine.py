"""The local engine: computes a file's blocks in processes of one machine, and returns results in order."""

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import chain, islice
from types import ModuleType

from churn_api.serving.engine import Function, ProcessKilled
from churn_api.serving.scored_blocks import ScoredBlock
from churn_api.tables.arrow_memory import reduce_arrow_memory
from churn_api.tables.file_parts import Block

SIGNALS = (signal.SIGINT, signal.SIGTERM)
AHEAD = 2
"""Blocks queued in addition to those being computed: memory stays bounded for files of any size."""


def cores() -> int:
    """The number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0))


def in_order(
    function: Function, todo: Iterator[Block], *, processes: int | None = None
) -> Generator[ScoredBlock, None, None]:
    """Apply `function` to every block in `processes` processes (default: one per core); yields results in order.

    Raises what `function` raises, and ProcessKilled where a process was killed.
    """
    first = list(islice(todo, 2))
    # A single block is scored faster than a process starts.
    processes = (processes or cores()) if len(first) > 1 else 1
    if processes == 1:
        yield from map(function, chain(first, todo))
        return
    # Spawned, not forked: libraries with threads in this process would hang in a forked child.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_prepare) as pool:
        begun: deque[Future[ScoredBlock]] = deque()
        try:
            for block in chain(first, todo):
                with _signals_deferred(), _main_hidden():
                    begun.append(_submitted(pool, function, block))
                if len(begun) >= processes + AHEAD:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        except BrokenProcessPool as error:
            # The other processes may wait for a lock of the killed one, and ignore other signals.
            for other in multiprocessing.active_children():
                other.kill()
            raise ProcessKilled("a process that scored was killed") from error
        finally:
            # Waits for running blocks: nothing is written to a job's folder afterwards.
            pool.shutdown(cancel_futures=True)


def _submitted(pool: ProcessPoolExecutor, function: Function, block: Block) -> Future[ScoredBlock]:
    try:
        return pool.submit(function, block)
    except (OSError, ValueError):
        # After a process was killed the pool closes its pipes while it starts another; a second call raises the error.
        return pool.submit(function, block)


@contextmanager
def _signals_deferred() -> Iterator[None]:
    """Block SIGINT and SIGTERM in child processes started here; this process handles them after the block.

    A signal mask alone is not enough: Python handles a signal that any of its threads receives.
    """
    deferred: list[int] = []
    in_main_thread = threading.current_thread() is threading.main_thread()
    handlers = {
        number: signal.signal(number, lambda received, _: deferred.append(received))
        for number in SIGNALS
        if in_main_thread
    }
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for received in deferred:
            signal.raise_signal(received)


@contextmanager
def _main_hidden() -> Iterator[None]:
    """Processes started in the block do not import this process's main program, which they do not need."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _prepare() -> None:
    """Reduce memory, and exit when the parent exits: a process whose parent was killed would wait forever."""
    reduce_arrow_memory()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
