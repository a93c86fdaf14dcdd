import shutil

import pytest

from churn_api.registry.bundle import bundle_digests
from churn_api.registry.catalog import Entry
from churn_api.registry.live import LiveModels
from churn_api.registry.model_errors import ModelNotReady, UnknownModel, UnknownVersion
from churn_api.registry.version_files import VersionFiles


def catalog_of(folder, live=None, generation=1):
    """A catalogue of a folder's bundles, the newest versions live, or those named."""
    result = bundle_digests(folder)
    return {
        name: Entry(digests, (live or {}).get(name, list(digests)[-1]), generation) for name, digests in result.items()
    }


def live_of(folder, default, at_most=32):
    live = LiveModels(folder, default, at_most)
    live.follow(catalog_of(folder))
    return live


@pytest.fixture
def models(models_dir, tmp_path):
    return shutil.copytree(models_dir, tmp_path / "models")


def test_newest_is_live(models_dir):
    """The newest version of each model answers; the default one's where no name is given."""
    live = live_of(models_dir, "small")
    assert live.get().card.version == "2"
    assert live.get("default").card.name == "default"
    assert live.names == ["default", "odd", "small"]


def test_pinned_version(models_dir):
    """Any version can be pinned, and is loaded once."""
    live = live_of(models_dir, "small")
    first = live.get("small", "1")
    assert first.card.version == "1"
    assert live.get("small", "1") is first
    assert live.get("small", "2") is live.get("small")


def test_pinned_versions_go_first(models_dir):
    """Above the limit of models, pinned versions are evicted, and loaded again when they are requested."""
    live = live_of(models_dir, "small", at_most=3)
    before = {name: live.get(name) for name in live.names}
    first = live.get("small", "1")
    assert live.get("small", "1") is first
    assert {name: live.get(name) for name in live.names} == before
    roomy = live_of(models_dir, "small", at_most=4)
    pinned = roomy.get("small", "1")
    roomy.follow(catalog_of(models_dir, {"small": "1"}, generation=2))
    assert roomy.get() is pinned


def test_more_live_models_than_are_held(models_dir):
    """Live models do not evict each other at every request: all that fit stay in memory."""
    live = live_of(models_dir, "small", at_most=1)
    rounds = [{name: live.get(name) for name in live.names} for _ in range(4)]
    assert all(models["small"] is rounds[0]["small"] for models in rounds)
    assert {name: model.card.version for name, model in rounds[0].items()} == {"default": "1", "odd": "1", "small": "2"}
    almost = live_of(models_dir, "small", at_most=2)
    rounds = [{name: almost.get(name) for name in almost.names} for _ in range(4)]
    assert rounds == rounds[:1] * 4


def test_more_live_models_are_warned_of_once(models_dir, caplog):
    """More live models than may be held: one line, which names the setting."""
    live = live_of(models_dir, "small", at_most=2)
    live.follow(catalog_of(models_dir, generation=2))
    assert [record.levelname for record in caplog.records if "CHURN_MAX_MODELS" in record.getMessage()] == ["WARNING"]
    caplog.clear()
    live_of(models_dir, "small", at_most=3)
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_the_most_used_stays_beside_the_default(models_dir, monkeypatch):
    """Where more models are live than fit, a used one evicts an unused one, after some seconds."""
    monkeypatch.setattr("churn_api.registry.loaded_models.EVICTION_SECONDS", 0.0)
    live = live_of(models_dir, "small", at_most=2)
    odd = live.get("odd")
    live.get("small", "1")
    assert live.get("odd") is odd


def test_follows(models_dir):
    """A process follows the catalogue: another version, the one before, none at all."""
    live = live_of(models_dir, "small")
    live.follow(catalog_of(models_dir, {"small": "1"}, generation=2))
    assert live.get("small").card.version == "1"
    assert live.served["small"] == ("1", 2)
    live.follow(catalog_of(models_dir, {"small": None}, generation=3))
    with pytest.raises(ModelNotReady):
        live.get("small")


def test_a_bad_version_never_answers(models):
    """A version that fails its checks leaves the one before in place, and is named with the reason."""
    live = live_of(models, "small")
    (models / "small" / "1" / "model.onnx").write_bytes(b"")
    live.follow(catalog_of(models, {"small": "1"}, generation=2))
    assert live.get("small").card.version == "2"
    assert live.served["small"] == ("2", 1)
    assert live.load_errors["small"].startswith("version 1: model.onnx is not the file")


def test_refused_no_more(models):
    """What was refused is forgotten when its model is unloaded, or another version is live."""
    live = live_of(models, "default")
    (models / "small" / "1" / "model.onnx").write_bytes(b"")
    for wanted in (None, "2"):
        live.follow(catalog_of(models, {"small": "1"}, generation=2))
        assert "small" in live.load_errors
        live.follow(catalog_of(models, {"small": wanted}, generation=3))
        assert "small" not in live.load_errors


def test_another_card(models):
    """A bundle whose card is not the one that was registered is refused by name."""
    live = LiveModels(models, "small", 32)
    card = models / "small" / "2" / "card.json"
    known = catalog_of(models)
    card.write_text(card.read_text() + " ")
    live.follow(known)
    assert live.load_errors["small"] == "version 2: card.json is not the one that was registered"


def test_no_catalogue(models_dir):
    """Before the catalogue was read nothing answers: the newest version may have been rolled back."""
    with pytest.raises(ModelNotReady, match="catalogue"):
        LiveModels(models_dir, "small", 32).get()


def test_unknown(models_dir):
    """An unknown model or version raises its own exception, also for paths and odd numbers."""
    live = live_of(models_dir, "small")
    for name in ("nobody", "..", "", "small/1"):
        with pytest.raises(UnknownModel):
            live.get(name)
    for version in ("3", "0", "-1", "01", "../1", "latest", ""):
        with pytest.raises(UnknownVersion):
            live.get("small", version)


def test_known_from_the_start(models):
    """What is written after the start changes nothing in this process: all workers know the same versions."""
    live = live_of(models, "small")
    shutil.rmtree(models / "small")
    shutil.copytree(models / "odd", models / "late")
    assert live.get("small").card.version == "2"
    with pytest.raises(UnknownModel):
        live.get("late")


def test_refused(models):
    """A newest version that fails its checks is not ready, with the reason: no older one answers in its place."""
    (models / "small" / "2" / "model.onnx").write_bytes(b"")
    live = live_of(models, "small")
    with pytest.raises(ModelNotReady, match=r"version 2: model\.onnx is not the file"):
        live.get()
    assert list(live.served) == ["default", "odd"]
    assert live.get("small", "1").card.version == "1"


def test_pinned_version_that_fails(models):
    """A pinned version that fails its checks raises ModelNotReady too."""
    (models / "small" / "1" / "model.onnx").write_bytes(b"")
    with pytest.raises(ModelNotReady):
        live_of(models, "small").get("small", "1")


def test_no_models(tmp_path):
    """Without a model, or without a folder, the default one is not ready, and nothing else is known."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        live = live_of(folder, "default")
        with pytest.raises(ModelNotReady, match="no model named 'default'"):
            live.get()
        with pytest.raises(UnknownModel):
            live.get("other")


def test_cards_need_no_model(models):
    """Card and signature of a live version are read without its model, whose files may have broken since."""
    live = live_of(models, "small", at_most=1)
    (models / "odd" / "1" / "model.onnx").write_bytes(b"broken")
    signature = live.files("odd").input_contract()
    assert live.files("odd").card().signature == signature != live.files("small").input_contract()
    (models / "default" / "1" / "card.json").write_bytes(b"broken")
    for read in (VersionFiles.card, VersionFiles.input_contract):
        with pytest.raises(ModelNotReady, match=r"card\.json"):
            read(live.files("default"))
    with pytest.raises(UnknownModel):
        live.files("nobody")
