"""Segments: what a process has written is read whatever happens to it, and identifiers are in no file."""

import os
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_frames import SECRET, block

from churn_api.contract.columns import Columns
from churn_api.monitoring.prediction_frame import CutOff
from churn_api.monitoring.prediction_logger import PredictionLogger
from churn_api.monitoring.segment_cipher import HEADER_BYTES, OtherSegment
from churn_api.monitoring.segments import close_abandoned, closed_segments, read_segment, waiting


@pytest.fixture
def written(tmp_path):
    """A closed segment of five frames, and its path."""
    log = PredictionLogger(tmp_path, SECRET, records=False)
    for number in range(5):
        log.block_predicted(*block(number, [f"customer {number}", None, number]))
    log.close()
    (path,) = closed_segments(tmp_path)
    return path


def test_read_as_written(written):
    """Frames come back in order, with their customers as they were sent."""
    frames = list(read_segment(written, SECRET))
    assert [one.identifiers for one in frames] == [[f"customer {number}", None, number] for number in range(5)]
    assert [(one.frame.block, one.frame.first) for one in frames] == [(number, 100 * number) for number in range(5)]
    assert np.frombuffer(frames[0].frame.probabilities, "<f4").tolist() == [0, 0.5, 1]


def test_no_identifier_in_clear(written):
    """The bytes of a segment have no identifier, and another secret opens none."""
    data = written.read_bytes()
    assert b"customer" not in data
    with pytest.raises(OtherSegment):
        list(read_segment(written, b"another secret of 32 characters.."))


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_cut_off_at_any_byte(data, tmp_path_factory):
    """Of a segment that was cut off at any byte, all complete frames are read, and the rest is reported."""
    whole = _bytes_of_three_frames(tmp_path_factory)
    length = data.draw(st.integers(0, len(whole) - 1))
    path = tmp_path_factory.mktemp("cut") / "cut.frames"
    # A crash of the machine leaves zeros in place of what the disk had not received.
    zeros = data.draw(st.sampled_from([0, 1, 100])) if length >= HEADER_BYTES else 0
    path.write_bytes(whole[:length] + b"\0" * zeros)
    *frames, last = list(read_segment(path, SECRET)) or [CutOff(0)]
    complete = frames if isinstance(last, CutOff) else [*frames, last]
    assert [one.frame.block for one in complete] == list(range(len(complete)))
    ends = _frame_ends(tmp_path_factory)
    assert len(complete) == sum(end <= length for end in ends)


_cache = {}


def _bytes_of_three_frames(factory):
    if "bytes" not in _cache:
        folder = factory.mktemp("segment")
        log, ends = PredictionLogger(folder, SECRET, records=False), []
        for number in range(3):
            log.block_predicted(*block(number, [f"customer {number}"] * (number + 1)))
            ends.append(log._segment.bytes)
        log.close()
        (path,) = closed_segments(folder)
        _cache.update(bytes=path.read_bytes(), ends=ends)
    return _cache["bytes"]


def _frame_ends(factory):
    _bytes_of_three_frames(factory)
    return _cache["ends"]


def test_records(tmp_path):
    """Features are described once in a segment, and again in the next one."""
    log = PredictionLogger(tmp_path, SECRET, records=True)
    records = Columns(np.array([[12.0], [np.nan]]), np.array([["basic"], [""]], object))
    for number in range(4):
        log.block_predicted(*block(number, [1, 2], records))
        if number == 1:
            log.close()
    log.close()
    for path in closed_segments(tmp_path):
        first, second = read_segment(path, SECRET)
        assert [feature.name for feature in first.frame.records.features] == ["tenure", "plan"]
        assert second.frame.records.features is None
        assert second.frame.records.texts == ["basic", ""]


def test_a_killed_process(tmp_path):
    """What a process wrote before it was killed is closed by another; a living process' segment is left alone."""
    code = (
        "import sys, time; sys.path.insert(0, 'tests'); from log_frames import *\n"
        "from churn_api.monitoring.prediction_logger import PredictionLogger\n"
        "log = PredictionLogger(Path(sys.argv[1]), SECRET, records=False); log.block_predicted(*block(0, ['ann']))\n"
        "print('written', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", f"from pathlib import Path\n{code}", tmp_path]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        close_abandoned(tmp_path)
        assert closed_segments(tmp_path) == []
        assert waiting(tmp_path).bytes > 0
        process.send_signal(signal.SIGKILL)
    close_abandoned(tmp_path)
    (path,) = closed_segments(tmp_path)
    assert [one.identifiers for one in read_segment(path, SECRET)] == [["ann"]]


def test_a_fork(tmp_path):
    """A process that was forked writes a segment of its own."""
    log = PredictionLogger(tmp_path, SECRET, records=False)
    log.block_predicted(*block(0, ["parent"]))
    if (child := os.fork()) == 0:
        log.block_predicted(*block(1, ["child"]))
        log.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    log.close()
    texts = [one.identifiers for path in closed_segments(tmp_path) for one in read_segment(path, SECRET)]
    assert sorted(texts) == [["child"], ["parent"]]


def test_opened_again(tmp_path):
    """After a segment was closed the next answer opens another, at once; a batch without a valid record opens none."""
    log = PredictionLogger(tmp_path, SECRET, records=False)
    log.block_predicted(*block(0, []))
    assert list(tmp_path.iterdir()) == []
    for number in range(3):
        log.block_predicted(*block(number, ["ann"]))
        log.close()
    assert len(closed_segments(tmp_path)) == 3


def test_a_folder_that_cannot_be_written(tmp_path, caplog):
    """Where a segment cannot be opened, answers go on: each is counted as lost, and one line is logged."""
    (tmp_path / "file").write_text("no folder")
    log, lost = PredictionLogger(tmp_path / "file" / "segments", SECRET, records=False), []
    log.on_lost = lambda: lost.append(1)
    for number in range(3):
        log.block_predicted(*block(number, ["ann"]))
    assert (len(lost), caplog.text.count("the prediction log cannot be written")) == (3, 1)


def test_a_short_write(tmp_path):
    """A frame for which the disk has no room is taken back, and later ones are read."""
    segment_log = PredictionLogger(tmp_path, SECRET, records=False)
    segment_log.block_predicted(*block(0, ["ann"]))
    whole = segment_log._segment.bytes
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (whole + 20, hard))
    try:
        segment_log.block_predicted(*block(1, ["bob"]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    segment_log.block_predicted(*block(2, ["cid"]))
    segment_log.close()
    (path,) = closed_segments(tmp_path)
    assert [one.identifiers for one in read_segment(path, SECRET)] == [["ann"], ["cid"]]
