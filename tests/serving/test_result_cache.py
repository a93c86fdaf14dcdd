"""Results from a cache are those that the model computes, to the last digit, and never those of another version."""

import numpy as np
import orjson
import pytest
from builders import customers

from churn_api.app import create_app
from churn_api.contract.columns import Columns
from churn_api.registry.model import load_model
from churn_api.serving.cache_stores import MemoryStore, RedisStore
from churn_api.serving.computation import Computation
from churn_api.serving.result_cache import CachedComputation
from churn_api.web.core.in_process_api import close

RECORD = {"tenure": 5, "Contract": "One year", "MonthlyCharges": 50.5, "Partner": True}
DIRECT = Computation()


@pytest.fixture(params=["memory", "redis"])
def store(request):
    if request.param == "memory":
        return MemoryStore(1000)
    return RedisStore(request.getfixturevalue("redis_url"), 60)


@pytest.fixture(scope="module")
def versions(models_dir):
    return [load_model(models_dir / "small" / version) for version in ("1", "2")]


def records(model, rows=60):
    table = customers(rows).drop(columns="Churn").to_json(orient="records").encode()
    columns = model.reader.read_many(b'{"customers":' + table + b"}", rows).columns
    return [columns.take([row]) for row in range(rows)]


def test_same_results(store, versions):
    """Each record gets the same double and contributions with a cache and without, the first time and later."""
    seen = []
    cached = CachedComputation(store, seen.append)
    for model in versions:
        for record in records(model) * 2:
            assert cached.score(model, record).tolist() == DIRECT.score(model, record).tolist()
            found, expected = cached.explain(model, record), DIRECT.explain(model, record)
            assert found.probabilities.tolist() == expected.probabilities.tolist()
            assert found.contributions.tolist() == expected.contributions.tolist()
            assert (found.base, found.scale) == (expected.base, expected.scale)
    assert seen.count(True) >= len(seen) / 2


@pytest.mark.parametrize("change", ["number", "missing", "text", "moved"])
def test_another_record(versions, change):
    """A record that differs in one value, or by a missing one, is another record."""
    model = versions[1]
    record = records(model)[0]
    numbers, texts = record.numbers.copy(), record.texts.copy()
    if change == "number":
        numbers[0, 0] = np.nextafter(numbers[0, 0], np.inf)
    elif change == "missing":
        numbers[0, 0] = np.nan
    elif change == "text":
        texts[0, 0] += "x"
    else:
        texts[0, :2] = texts[0, 0] + texts[0, 1], ""
    seen = []
    cached = CachedComputation(MemoryStore(10), seen.append)
    cached.score(model, record)
    cached.score(model, Columns(numbers, texts))
    assert seen == [False, False]


def test_bound(versions):
    """A process keeps so many results, and forgets those that were not used for longest."""
    model, seen = versions[0], []
    cached = CachedComputation(MemoryStore(3), seen.append)
    first, *others = records(model)[:4]
    for record in (first, *others[:2], first, others[2], first, others[0]):
        cached.score(model, record)
    assert seen == [False, False, False, True, False, True, False]


def test_damaged_entry(versions):
    """What is no result, because another program has written it, is computed again."""

    class Damaged(MemoryStore):
        def get(self, key):
            return b"xx"

    model = versions[0]
    record = records(model)[0]
    assert CachedComputation(Damaged(3)).score(model, record) == DIRECT.score(model, record)


def test_redis_away(versions, caplog):
    """While Redis is away answers are computed. After an error it is left alone for a while, as the one line says."""
    model = versions[0]
    cached = CachedComputation(RedisStore("redis://127.0.0.1:1/0", 60))
    for record in records(model):
        assert cached.score(model, record) == DIRECT.score(model, record)
    assert caplog.text.count("the answer cache is away") == 1


def test_of_an_application(models_dir, make_key):
    """The setting turns it on for every protocol; the metrics have hits and misses, and a swap changes answers."""
    app = create_app({"MODELS_DIR": str(models_dir), "TESTING": True, "CACHE": "memory"})
    client = app.test_client()
    instances = {"instances": [RECORD]}
    first = client.post("/api/v1/predict/small", json=RECORD).get_json()["churn_probability"]
    again = client.post("/api/v1/predict/small?threshold=0.9", json=RECORD).get_json()
    other = client.post("/v1/models/small:predict", json=instances).get_json()["predictions"][0]
    assert first == again["churn_probability"] == other["churn_probability"]
    assert again["threshold"] == 0.9
    before = client.post("/api/v1/predict/small?version=1", json=RECORD).get_json()["churn_probability"]
    assert before != first
    text = client.get("/api/v1/metrics", headers={"X-API-Key": make_key("ops")}).text
    assert 'churn_cache_lookups_total{result="hit"} 2.0' in text
    assert 'churn_cache_lookups_total{result="miss"} 2.0' in text
    close(app)


def test_off_by_default(client):
    """Without the setting nothing is looked up."""
    client.post("/api/v1/predict/small", json=RECORD)
    assert "churn_cache_lookups_total{" not in client.get("/api/v1/metrics").text


def test_keys_hold_no_values(versions):
    """Keys in a shared Redis are digests: they show nothing of a customer."""
    keys = []

    class Seen(MemoryStore):
        def put(self, key, value):
            keys.append(key)

    model = versions[0]
    CachedComputation(Seen(3)).score(model, model.reader.read_one(orjson.dumps(RECORD)).columns)
    assert [len(key) for key in keys] == [16]
