"""Models in memory: those that answer stay, others come and go. Never more than were allowed, and one besides."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from churn_api.registry.model import Model

EXCHANGE_SECONDS = 10.0
"""Of models that all answer, one makes room for another at most so often: more of them than there is room for, asked
in turn, would else be loaded again at each request."""

Key = tuple[str, str]
"""A model's name, and one of its versions."""

log = logging.getLogger(__name__)


class LoadedModels:
    """At most so many models, and the one that was asked for last where there is no room for it.

    Versions that `is_live` does not name go first; `stays` names one that never goes.
    """

    def __init__(self, at_most: int, *, is_live: Callable[[Key], bool], stays: Callable[[Key], bool]) -> None:
        self._at_most = at_most
        self._is_live = is_live
        self._stays = stays
        self._held: OrderedDict[Key, Model] = OrderedDict()
        self._last: tuple[Key, Model] | None = None
        self._exchanged = -EXCHANGE_SECONDS

    def get(self, key: Key) -> Model | None:
        """A model, which is now the one that was used last; None where it is not held."""
        model = self._held.get(key)
        if model is None:
            last = self._last
            return last[1] if last is not None and last[0] == key else None
        try:
            self._held.move_to_end(key)
        except KeyError:
            log.debug("version %s of %r was let go by another thread since it was found", key[1], key[0])
        return model

    def peek(self, key: Key) -> Model | None:
        """A model, where it is held, which is not a use of it."""
        return self._held.get(key)

    def put(self, key: Key, model: Model) -> None:
        """Hold a model. The caller has seen to it that no other thread does the same."""
        self._held.pop(key, None)
        if len(self._held) >= self._at_most and not self._make_room(key):
            self._last = key, model
            return
        self._held[key] = model

    def _make_room(self, key: Key) -> bool:
        """Let one go for another, and say whether one went."""
        live = self._is_live(key)
        pinned = next((held for held in self._held if not self._is_live(held)), None)
        if pinned is None and live and (self._stays(key) or monotonic() - self._exchanged >= EXCHANGE_SECONDS):
            pinned = next((held for held in self._held if not self._stays(held)), None)
            self._exchanged = monotonic()
        if pinned is None:
            return False
        del self._held[pinned]
        return True
