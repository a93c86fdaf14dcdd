"""A cache of computed results: a record that comes again in every field is not computed again.

Only single records are looked up: computing one of many costs less than looking for it.
"""

from collections.abc import Callable
from hashlib import blake2b

import numpy as np
import orjson
from numpy.typing import NDArray

from churn_api.contract.columns import Columns
from churn_api.registry.card import Card
from churn_api.registry.model import Model
from churn_api.scoring.explanation import Explanation
from churn_api.serving.cache_stores import CacheStore
from churn_api.serving.computation import Computation

_STORED = np.dtype("<f8")
_KEY_BYTES = 16

OnLookup = Callable[[bool], None]
"""Called with whether a result was in the cache."""


class CachedComputation(Computation):
    """Results by version and record. A key has the digests of the version's files, so no version gets another's.

    Threshold and texts are applied to results, and are part of no key.
    """

    def __init__(self, store: CacheStore, on_lookup: OnLookup = lambda _: None) -> None:
        self._store = store
        self.on_lookup = on_lookup
        self._versions: dict[tuple[str, str], tuple[Card, bytes]] = {}

    def score(self, model: Model, columns: Columns) -> NDArray[np.float64]:
        """See Computation."""
        if columns.rows != 1:
            return super().score(model, columns)
        key = self._key(model.card, b"score", columns)
        found = self._found(key, 1)
        if found is None:
            found = super().score(model, columns)
            self._store.put(key, found.astype(_STORED).tobytes())
        return found

    def explain(self, model: Model, columns: Columns) -> Explanation:
        """See Computation."""
        if columns.rows != 1:
            return super().explain(model, columns)
        proof, key = model.explainer().proof, self._key(model.card, b"explain", columns)
        found = self._found(key, 1 + len(model.card.signature.features))
        if found is not None:
            return Explanation(found[:1], found[1:][None], proof.base, proof.scale)
        explanation = super().explain(model, columns)
        computed = np.concatenate([explanation.probabilities, explanation.contributions[0]])
        self._store.put(key, computed.astype(_STORED).tobytes())
        return explanation

    def _found(self, key: bytes, numbers: int) -> NDArray[np.float64] | None:
        stored = self._store.get(key)
        # Of another length is what another program has written under this key.
        is_found = stored is not None and len(stored) == numbers * _STORED.itemsize
        self.on_lookup(is_found)
        return np.frombuffer(stored or b"", _STORED).astype(np.float64) if is_found else None

    def _key(self, card: Card, kind: bytes, columns: Columns) -> bytes:
        texts = orjson.dumps(columns.texts[0].tolist())
        return blake2b(kind + self._digest(card) + columns.numbers.tobytes() + texts, digest_size=_KEY_BYTES).digest()

    def _digest(self, card: Card) -> bytes:
        known, digest = self._versions.get((card.name, card.version), (None, b""))
        if known is not card:
            files = orjson.dumps([card.name, card.version, card.files], option=orjson.OPT_SORT_KEYS)
            digest = blake2b(files, digest_size=_KEY_BYTES).digest()
            self._versions[card.name, card.version] = card, digest
        return digest
