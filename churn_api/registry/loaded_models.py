"""The cache of models in memory: live models stay, others are evicted. At most MAX_MODELS, and one more."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from churn_api.registry.model import AnyModel

EVICTION_SECONDS = 10.0
"""Minimum interval between evictions of live models. Without it, more live models than there is room for, requested in
turn, would be loaded again at each request."""

Key = tuple[str, str]
"""A model's name, and one of its versions."""

log = logging.getLogger(__name__)


class LoadedModels:
    """Holds `at_most` models, and the last requested one where there is no room for it.

    Versions that are not live are evicted first; models for which `stays` is true are never evicted.
    """

    def __init__(self, at_most: int, *, is_live: Callable[[Key], bool], stays: Callable[[Key], bool]) -> None:
        self._at_most = at_most
        self._is_live = is_live
        self._stays = stays
        self._models: OrderedDict[Key, AnyModel] = OrderedDict()
        self._last: tuple[Key, AnyModel] | None = None
        self._evicted_at = -EVICTION_SECONDS

    def get(self, key: Key) -> AnyModel | None:
        """A model, marked as most recently used; None where it is not loaded."""
        model = self._models.get(key)
        if model is None:
            last = self._last
            return last[1] if last is not None and last[0] == key else None
        try:
            self._models.move_to_end(key)
        except KeyError:
            log.debug("version %s of %r was evicted by another thread after the look-up", key[1], key[0])
        return model

    def peek(self, key: Key) -> AnyModel | None:
        """A model where it is loaded, without marking it as used."""
        return self._models.get(key)

    def put(self, key: Key, model: AnyModel) -> None:
        """Add a model. The caller holds a lock, so that no other thread adds one."""
        self._models.pop(key, None)
        if len(self._models) >= self._at_most and not self._make_room(key):
            self._last = key, model
            return
        self._models[key] = model

    def replace_each(self, change: Callable[[Key, AnyModel], AnyModel]) -> None:
        """Replace each model by what `change` makes of it. The caller holds the lock of `put`."""
        for key, model in list(self._models.items()):
            self._models[key] = change(key, model)
        if self._last is not None:
            key, model = self._last
            self._last = key, change(key, model)

    def _make_room(self, key: Key) -> bool:
        """Evict one model for another, and return whether one was evicted."""
        live = self._is_live(key)
        evicted = next((loaded for loaded in self._models if not self._is_live(loaded)), None)
        if evicted is None and live and (self._stays(key) or monotonic() - self._evicted_at >= EVICTION_SECONDS):
            evicted = next((loaded for loaded in self._models if not self._stays(loaded)), None)
            self._evicted_at = monotonic()
        if evicted is None:
            return False
        del self._models[evicted]
        return True
