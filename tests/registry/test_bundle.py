import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time

import msgspec
import pytest

from churn_api.registry.bundle import BundleError, model_names, read_card, versions_of, write_bundle
from churn_api.registry.model import load_model


@pytest.fixture
def models(models_dir, tmp_path):
    """A copy of the models that a test may spoil."""
    return shutil.copytree(models_dir, tmp_path / "models")


@pytest.fixture
def card(models_dir):
    return read_card(models_dir / "small" / "1")


def test_versions_count_up(models, card):
    """Each bundle becomes the next version, and says so in its card."""
    written = write_bundle(models, card, {"model.onnx": b"x"})
    assert written.version == "3"
    assert read_card(models / "small" / "3") == written
    assert versions_of(models, "small") == ["1", "2", "3"]


def test_versions_are_numbers(models, card):
    """Version 10 comes after version 9."""
    for _ in range(8):
        write_bundle(models, card, {})
    assert versions_of(models, "small")[-2:] == ["9", "10"]


def test_what_is_no_model_is_passed_over(models):
    """Hidden folders, files, and names that no model may have are not models."""
    (models / ".hidden" / "1").mkdir(parents=True)
    (models / "a b" / "1").mkdir(parents=True)
    (models / "empty").mkdir()
    (models / "file").write_text("x")
    (models / "small" / ".unfinished-x").mkdir()
    (models / "small" / "latest").mkdir()
    assert model_names(models) == ["default", "odd", "small"]
    assert versions_of(models, "small") == ["1", "2"]
    assert versions_of(models, "..") == []
    assert model_names(models / "nowhere") == []


def _write_many(models, card, count):
    for _ in range(count):
        write_bundle(models, card, {"model.onnx": b"x" * 10_000})


def test_writers_do_not_collide(models, card):
    """Four concurrent writers get different versions, each of them complete."""
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(models, card, 5)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    versions = versions_of(models, "small")
    assert versions == [str(number) for number in range(1, 23)]
    assert all(read_card(models / "small" / version).version == version for version in versions)


def test_kill_in_mid_write(models, card):
    """Writers killed at any moment leave complete versions only: every version can be read and verified."""
    script = (
        "import sys; from pathlib import Path; from churn_api.registry.bundle import *\n"
        "models = Path(sys.argv[1]); card = read_card(models / 'small' / '1')\n"
        "while True: write_bundle(models, card, {'model.onnx': b'x' * 3_000_000}); print('.', flush=True)"
    )
    for delay in (0.0, 0.001, 0.003, 0.01, 0.02):
        writer = subprocess.Popen([sys.executable, "-c", script, str(models)], stdout=subprocess.PIPE)
        writer.stdout.readline()
        time.sleep(delay)
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()
    versions = versions_of(models, "small")[2:]
    assert versions
    for version in versions:
        assert (models / "small" / version / "model.onnx").stat().st_size == 3_000_000
        assert read_card(models / "small" / version).files.keys() == {"model.onnx"}


def test_abandoned_writes_are_swept(models, card):
    """The next write removes temporary folders that are a day old; recent ones stay."""
    old, new = models / "small" / ".unfinished-old", models / "small" / ".unfinished-new"
    for folder in (old, new):
        folder.mkdir()
    os.utime(old, (time.time() - 90_000,) * 2)
    write_bundle(models, card, {})
    assert not old.exists()
    assert new.exists()


def test_disk_full(models, card, monkeypatch):
    """A write that fails leaves nothing behind, and says why."""

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_bundle(models, card, {"model.onnx": b"x"})
    assert sorted(entry.name for entry in (models / "small").iterdir()) == ["1", "2"]


def spoil_card(folder, **changes):
    card = json.loads((folder / "card.json").read_bytes())
    (folder / "card.json").write_text(json.dumps(card | changes))


def flip_bit(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_loads(models_dir):
    """A bundle as it was written loads, and serves from the compiled model."""
    assert load_model(models_dir / "small" / "1").card.scorer == "onnx"


@pytest.mark.parametrize("name", ["model.onnx", "model.joblib"])
def test_changed_file(models, name):
    """A bundle one bit of which was changed is refused with the file's name."""
    flip_bit(models / "small" / "1" / name)
    with pytest.raises(BundleError, match=f"{name} is not the file that was packaged"):
        load_model(models / "small" / "1")


def test_missing_file(models):
    """A bundle that lacks a file is refused with its name, and without a path."""
    (models / "small" / "1" / "model.onnx").unlink()
    with pytest.raises(BundleError, match=r"^model\.onnx cannot be read: No such file or directory$"):
        load_model(models / "small" / "1")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"golden": None}, r"golden"),
        ({"format": 2}, "format"),
        ({"policy": {"threshold": 2, "medium_from": 0, "high_from": 1}}, r"not allowed - at `\$\.policy`"),
        ({"surprise": 1}, "what stands here is not allowed"),
        ({"version": "7"}, "version 7 of 'small'"),
        ({"name": "other"}, "of 'other'"),
    ],
)
def test_spoilt_card(models, changes, complaint):
    """A card that cannot be read, or is another bundle's, is refused with what is wrong."""
    spoil_card(models / "small" / "1", **changes)
    with pytest.raises(BundleError, match=complaint):
        load_model(models / "small" / "1")


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[]"])
def test_no_card(models, data):
    """A card that is no JSON is refused."""
    (models / "small" / "1" / "card.json").write_bytes(data)
    with pytest.raises(BundleError, match=r"card\.json cannot be read"):
        load_model(models / "small" / "1")


def test_golden_rows_are_checked(models):
    """A model that gives its golden rows other probabilities than when it was packaged is refused."""
    folder = models / "small" / "1"
    golden = msgspec.to_builtins(read_card(folder).golden)
    probabilities = [0.5 * golden["probabilities"][0], *golden["probabilities"][1:]]
    spoil_card(folder, golden=golden | {"probabilities": probabilities})
    with pytest.raises(BundleError, match="golden rows get other probabilities"):
        load_model(folder)


def test_no_onnx_in_the_file(models):
    """A file that its digest vouches for, and that is no ONNX, is refused and not guessed at."""
    written = write_bundle(models, read_card(models / "small" / "1"), {"model.onnx": b"not onnx"})
    with pytest.raises(BundleError, match=r"model\.onnx cannot be loaded"):
        load_model(models / "small" / written.version)


def test_pickles_are_verified_before_they_run(models, tmp_path):
    """A changed joblib file of a bundle that serves from scikit-learn is refused before anything in it runs."""
    folder = models / "small" / "1"
    spoil_card(folder, scorer="sklearn")
    assert load_model(folder).card.scorer == "sklearn"
    witness = tmp_path / "ran"
    (folder / "model.joblib").write_bytes(f"cposix\nsystem\n(S'touch {witness}'\ntR.".encode())
    with pytest.raises(BundleError, match=r"model\.joblib is not the file"):
        load_model(folder)
    assert not witness.exists()


def test_other_scikit_learn(models):
    """A bundle that serves from scikit-learn is refused by any other version of it, naming both."""
    folder = models / "small" / "1"
    libraries = read_card(folder).libraries | {"scikit-learn": "0.1"}
    spoil_card(folder, scorer="sklearn", libraries=libraries)
    with pytest.raises(BundleError, match=r"packaged with scikit-learn 0\.1"):
        load_model(folder)
