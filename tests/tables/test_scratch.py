"""Temporary folders of killed processes."""

import signal
import subprocess
import sys
import tempfile

import pytest

from churn_api.tables.scratch import PREFIX, scratch_folder, sweep_scratch

HOLD = """
import time
from churn_api.tables.scratch import scratch_folder
with scratch_folder() as folder:
    (folder / "upload").write_bytes(b"x" * 1000)
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_gone_with_its_block(temporary):
    """A folder exists during its `with` block and is removed afterwards, also after an exception."""

    def fail():
        with scratch_folder() as folder:
            (folder / "file").touch()
            assert [path.name for path in temporary.iterdir()] == [folder.name]
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(temporary.iterdir()) == []


def test_swept_when_killed(temporary):
    """Folders of killed processes are removed; folders of live processes, and other files, are not."""
    (temporary / "other").mkdir()
    (temporary / f"{PREFIX}file").touch()
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True)
    left = process.stdout.readline().strip()
    with scratch_folder() as own:
        assert sweep_scratch() == 0
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        process.stdout.close()
        assert sweep_scratch() == 1
        assert own.is_dir()
    assert left.startswith(str(temporary))
    assert {path.name for path in temporary.iterdir()} == {"other", f"{PREFIX}file"}
