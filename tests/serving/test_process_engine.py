"""The local engine, with real processes."""

import multiprocessing
import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from churn_api.serving import process_engine as local
from churn_api.serving.engine import ProcessKilled
from churn_api.serving.process_engine import in_order
from churn_api.serving.scored_blocks import ScoredBlock
from churn_api.tables.file_parts import Block
from churn_api.tables.table_errors import TableError

BLOCKS = [Block(number, number, number + 1) for number in range(12)]


def score(folder: Path, block: Block) -> ScoredBlock:
    """The later of each pair of blocks finishes first; a file records the process that computed it."""
    time.sleep(0.05 * (block.number % 2 == 0))
    (folder / str(block.number)).write_text(str(os.getpid()))
    return ScoredBlock(block, b"%d" % block.number, 1, 1, 0, [], {}, {})


def fail(block: Block) -> ScoredBlock:
    if block.number == 5:
        raise TableError("input is damaged")
    return ScoredBlock(block, b"", 1, 1, 0, [], {}, {})


def die(block: Block) -> ScoredBlock:
    if block.number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return ScoredBlock(block, b"", 1, 1, 0, [], {}, {})


@pytest.mark.parametrize("processes", [1, 2])
def test_in_order(tmp_path, processes):
    """Results come in the order of the blocks, whichever finishes first, and no process is left."""
    results = list(in_order(partial(score, tmp_path), iter(BLOCKS), processes=processes))
    assert [scored.block for scored in results] == BLOCKS
    assert [scored.part for scored in results] == [b"%d" % number for number in range(12)]
    own = {(tmp_path / str(number)).read_text() for number in range(12)} == {str(os.getpid())}
    assert own == (processes == 1)
    assert multiprocessing.active_children() == []


def test_one_block_needs_no_process(tmp_path):
    """A single block is computed in the calling process, and no blocks give no results."""
    list(in_order(partial(score, tmp_path), iter(BLOCKS[:1]), processes=4))
    assert (tmp_path / "0").read_text() == str(os.getpid())
    assert list(in_order(fail, iter([]), processes=4)) == []


def test_bounded_ahead(tmp_path):
    """For any number of blocks, only a few are taken before the first result is consumed."""
    taken = []

    def todo():
        for block in BLOCKS:
            taken.append(block)
            yield block

    engine = in_order(partial(score, tmp_path), todo(), processes=2)
    next(engine)
    assert len(taken) <= 5
    engine.close()


def test_closed_early(tmp_path):
    """After an engine is closed, nothing more is computed, and no process is left."""
    engine = in_order(partial(score, tmp_path), iter(BLOCKS), processes=2)
    next(engine)
    engine.close()
    assert multiprocessing.active_children() == []
    assert len(list(tmp_path.iterdir())) < len(BLOCKS)


@pytest.mark.parametrize("processes", [1, 2])
def test_what_the_function_raises(processes):
    """An exception of a block is raised at its position, after the results of earlier blocks."""
    engine = in_order(fail, iter(BLOCKS), processes=processes)
    assert [next(engine).block.number for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(TableError, match="damaged"):
        next(engine)


def test_a_killed_process():
    """A killed process raises ProcessKilled, and no other process is left."""
    with pytest.raises(ProcessKilled):
        list(in_order(die, iter(BLOCKS), processes=2))
    assert multiprocessing.active_children() == []


class KilledWhileStarting(ProcessPoolExecutor):
    """A pool whose first process is killed while the second one starts, so that the second gets closed pipes."""

    def _spawn_process(self):
        if self._processes:
            for process in multiprocessing.active_children():
                process.kill()
            while not self._broken:
                time.sleep(0.01)
            raise ValueError("bad value(s) in fds_to_keep")
        super()._spawn_process()


def test_killed_while_another_starts(monkeypatch):
    """A process that is killed while another one starts raises ProcessKilled, as at any other time."""
    monkeypatch.setattr(local, "ProcessPoolExecutor", KilledWhileStarting)
    with pytest.raises(ProcessKilled, match="was killed"):
        list(in_order(fail, iter(BLOCKS), processes=2))
