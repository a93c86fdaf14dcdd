"""The local engine: a file's blocks over the processes of one machine, and back in their order."""

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
from churn_api.serving.table_scorer import Scored
from churn_api.tables.arrow_memory import keep_arrow_small
from churn_api.tables.file_parts import Block

SIGNALS = (signal.SIGINT, signal.SIGTERM)
AHEAD = 2
"""Blocks that wait, besides those that are worked on: memory stays bounded however large the file is."""


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


def in_order(
    function: Function, todo: Iterator[Block], *, processes: int | None = None
) -> Generator[Scored, None, None]:
    """The function of every block, in order, computed in as many processes as there are cores.

    Raises what the function raises, and ProcessKilled where a process was killed.
    """
    first = list(islice(todo, 2))
    # One block is scored sooner than a second process has started.
    processes = (processes or cores()) if len(first) > 1 else 1
    if processes == 1:
        yield from map(function, chain(first, todo))
        return
    # Not forked: libraries that this process has started threads of would hang in the child.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_prepare) as pool:
        begun: deque[Future[Scored]] = deque()
        try:
            for block in chain(first, todo):
                with _signals_held_back(), _main_hidden():
                    begun.append(_submitted(pool, function, block))
                if len(begun) >= processes + AHEAD:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        except BrokenProcessPool as error:
            # The others may wait for what the killed one held, and they take no other signal.
            for other in multiprocessing.active_children():
                other.kill()
            raise ProcessKilled("a process that scored was killed") from error
        finally:
            # What is begun is waited for: nothing is written to a job's folder after this.
            pool.shutdown(cancel_futures=True)


def _submitted(pool: ProcessPoolExecutor, function: Function, block: Block) -> Future[Scored]:
    try:
        return pool.submit(function, block)
    except (OSError, ValueError):
        # Where a process was just killed, the pool closes the pipes that the next is given; asked again, it says so.
        return pool.submit(function, block)


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """Signals to the whole group are the parent's affair, after this: a process that is started here never sees them.

    A mask alone is not enough, for Python takes a signal that any of its threads gets.
    """
    held: list[int] = []
    own = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.signal(number, lambda got, _: held.append(got)) for number in SIGNALS if own}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for got in held:
            signal.raise_signal(got)


@contextmanager
def _main_hidden() -> Iterator[None]:
    """Processes that start meanwhile do not load the program that started this one: they need none of its commands."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _prepare() -> None:
    """Stay small, and end when the parent does: a process whose parent was killed would wait for ever."""
    keep_arrow_small()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
