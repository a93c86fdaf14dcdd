"""Signals during the reading of a table."""

import os
import signal
import threading

import pytest

from churn_api.tables.blocks import blocks
from churn_api.tables.csv_cells import read_cells
from churn_api.tables.layout import read_layout

ROWS = 300_000


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_do_not_break_off_a_block(tmp_path, number):
    """A stop signal while CSV is read goes to the process's own handler, and the block is read to its end."""
    path = tmp_path / "table.csv"
    path.write_text("id,age\n" + "C1,30\n" * ROWS)
    layout = read_layout(path, "csv")
    received, stop = [], threading.Event()

    def send():
        while not stop.wait(0.0005):
            os.kill(os.getpid(), number)

    before = signal.signal(number, lambda *_: received.append(number))
    sender = threading.Thread(target=send)
    sender.start()
    try:
        rows = sum(read_cells(layout, block, ["age"]).rows for block in blocks(layout))
    finally:
        stop.set()
        sender.join()
        signal.signal(number, before)
    assert rows == ROWS
    assert received
