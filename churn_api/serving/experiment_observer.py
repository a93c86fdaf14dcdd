"""What an experiment's observers receive, besides answers."""

from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from churn_api.registry.challengers import LoadedExperiment
from churn_api.serving.answer import Answer

Failure = Literal["error", "too-slow"]
"""`error`: the challenger raised an exception. `too-slow`: a shadow has fallen behind, and skips the records."""


class Pair(NamedTuple):
    """The probabilities that both versions give n records, in the same order."""

    live: NDArray[np.float64]
    challenger: NDArray[np.float64]
    seconds: tuple[float, float] | None = None
    """How long each took; None where they were not scored side by side."""


class ExperimentObserver(Protocol):
    """Observes what happens in experiments, from any thread. Must not raise."""

    def answered(self, running: LoadedExperiment, answer: Answer) -> None:
        """Receive the answer of one of both versions; a shadow's as well."""
        ...

    def compared(self, running: LoadedExperiment, pair: Pair) -> None:
        """Receive what both versions say of the same records."""
        ...

    def failed(self, running: LoadedExperiment, failure: Failure) -> None:
        """Receive that the challenger has failed; the live version has answered."""
        ...
