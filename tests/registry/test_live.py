import shutil

import pytest

from churn_api.registry.live import PINNED_AT_MOST, LiveModels, ModelNotReady, UnknownModel, UnknownVersion


@pytest.fixture
def models(models_dir, tmp_path):
    return shutil.copytree(models_dir, tmp_path / "models")


def test_newest_is_live(models_dir):
    """The newest version of each model answers; the default one's where no name is given."""
    live = LiveModels(models_dir, "small")
    assert live.get().card.version == "2"
    assert live.get("default").card.name == "default"
    assert live.names == ["default", "odd", "small"]


def test_pinned_version(models_dir):
    """Any version can be asked for, and is loaded once."""
    live = LiveModels(models_dir, "small")
    first = live.get("small", "1")
    assert first.card.version == "1"
    assert live.get("small", "1") is first
    assert live.get("small", "2") is live.get("small")


def test_pinned_versions_are_bounded(models):
    """However many versions are asked for, the oldest are let go."""
    for version in range(3, PINNED_AT_MOST + 5):
        shutil.copytree(models / "small" / "1", models / "small" / str(version))
        card = models / "small" / str(version) / "card.json"
        card.write_text(card.read_text().replace('"version": "1"', f'"version": "{version}"'))
    live = LiveModels(models, "small")
    first = live.get("small", "1")
    for version in live.versions("small"):
        live.get("small", version)
    assert live.get("small", "1") is not first


def test_unknown(models_dir):
    """A model or a version that is not there is an error of its own, paths and odd numbers too."""
    live = LiveModels(models_dir, "small")
    for name in ("nobody", "..", "", "small/1"):
        with pytest.raises(UnknownModel):
            live.get(name)
    for version in ("3", "0", "-1", "01", "../1", "latest", ""):
        with pytest.raises(UnknownVersion):
            live.get("small", version)


def test_known_from_the_start(models):
    """What is written after the start changes nothing in this process: all workers know the same versions."""
    live = LiveModels(models, "small")
    shutil.rmtree(models / "small")
    shutil.copytree(models / "odd", models / "late")
    assert live.get("small").card.version == "2"
    with pytest.raises(UnknownModel):
        live.get("late")


def test_refused(models):
    """A newest version that fails its checks is not ready, with the reason: no older one answers in its place."""
    (models / "small" / "2" / "model.onnx").write_bytes(b"")
    live = LiveModels(models, "small")
    with pytest.raises(ModelNotReady, match=r"version 2: model\.onnx is not the file"):
        live.get()
    assert list(live.ready) == ["default", "odd"]
    assert live.get("small", "1").card.version == "1"


def test_pinned_version_that_fails(models):
    """A version asked for that fails its checks is not ready either."""
    (models / "small" / "1" / "model.onnx").write_bytes(b"")
    with pytest.raises(ModelNotReady):
        LiveModels(models, "small").get("small", "1")


def test_no_models(tmp_path):
    """Without a model, or without a folder, the default one is not ready, and nothing else is known."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        live = LiveModels(folder, "default")
        with pytest.raises(ModelNotReady, match="no model named 'default'"):
            live.get()
        with pytest.raises(UnknownModel):
            live.get("other")
