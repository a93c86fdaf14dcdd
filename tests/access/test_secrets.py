import stat
from multiprocessing import get_context

import pytest

from churn_api.access.secrets import MissingSecret, secret


def test_set(tmp_path):
    """A secret that is set is taken, and no file is made."""
    assert secret("JWT_SECRET", "x" * 32, tmp_path, single_machine=True) == b"x" * 32
    assert list(tmp_path.iterdir()) == []


def test_made_once(tmp_path):
    """On a single machine a missing secret is made once, for its owner alone, and is the same ever after."""
    made = secret("JWT_SECRET", "", tmp_path / "instance", single_machine=True)
    assert len(made) == 64
    assert secret("JWT_SECRET", "", tmp_path / "instance", single_machine=True) == made
    (file,) = (tmp_path / "instance").iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == ("jwt_secret", 0o600)
    assert secret("KEY_PEPPER", "", tmp_path / "instance", single_machine=True) != made


def test_many_machines(tmp_path):
    """Where machines must agree, a missing secret stops the start, with the line to add."""
    with pytest.raises(MissingSecret, match=r"set CHURN_JWT_SECRET.*as in CHURN_JWT_SECRET=[0-9a-f]{64}$"):
        secret("JWT_SECRET", "", tmp_path, single_machine=False)
    assert list(tmp_path.iterdir()) == []


def test_cut_off(tmp_path):
    """A file that was cut off is not taken for a secret."""
    (tmp_path / "jwt_secret").write_bytes(b"short")
    with pytest.raises(MissingSecret, match="jwt_secret is cut off"):
        secret("JWT_SECRET", "", tmp_path, single_machine=True)


def test_folder_that_cannot_be_written(tmp_path):
    """Where the file cannot be kept, the start stops with the reason and the line to add."""
    (tmp_path / "instance").write_text("a file, not a folder")
    with pytest.raises(MissingSecret, match=r"cannot be kept.*CHURN_JWT_SECRET="):
        secret("JWT_SECRET", "", tmp_path / "instance", single_machine=True)


def _make(folder, made):
    made.put(secret("JWT_SECRET", "", folder, single_machine=True))


def test_made_at_once(tmp_path):
    """Processes that start at the same moment agree on one secret."""
    context = get_context("fork")
    made = context.Queue()
    processes = [context.Process(target=_make, args=(tmp_path, made)) for _ in range(8)]
    for process in processes:
        process.start()
    result = {made.get(timeout=30) for _ in processes}
    for process in processes:
        process.join(30)
    assert len(result) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["jwt_secret"]
