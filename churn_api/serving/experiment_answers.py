"""Answers while an experiment runs: by the live version, by the challenger, or by both."""

import logging
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import NamedTuple

import numpy as np

from churn_api.contract.batch import Batch
from churn_api.registry.challengers import LoadedExperiment
from churn_api.registry.model import Model
from churn_api.registry.variants import CHALLENGER, LIVE_VARIANT, VariantName
from churn_api.serving.answer import Answer, Split
from churn_api.serving.experiment_observer import ExperimentObserver, Failure, Pair
from churn_api.serving.prediction_options import Options
from churn_api.serving.shadows import Shadows

COMPARED_ROWS = 64
"""Of what a canary has answered in one request, so many records are scored by the live version too."""
ScoreBatch = Callable[[Model, Batch, Options], Answer]
"""Scores the records of a batch with a version, and notifies no observer."""

log = logging.getLogger(__name__)


class _Part(NamedTuple):
    """What one variant answers of a batch."""

    rows: list[int]
    """Positions among the valid records."""
    answer: Answer


class ExperimentAnswers:
    """Answers the requests of one data plane that an experiment takes part in."""

    def __init__(self, notify: Callable[[Answer], Answer]) -> None:
        self._notify = notify
        self._observers: list[ExperimentObserver] = []
        self._shadows = Shadows(self._shadow_scored, self._shadow_failed)
        self._failed: set[str] = set()

    def observe(self, observer: ExperimentObserver) -> None:
        """Register an observer of every later experiment."""
        self._observers.append(observer)

    def drain(self) -> bool:
        """Wait for the shadows that are still to be scored, some seconds at most; returns whether none are left."""
        return self._shadows.drain()

    def predict(
        self, running: LoadedExperiment, model: Model, batch: Batch, options: Options, score: ScoreBatch
    ) -> Answer:
        """Predict for the valid records of a batch; `model` is the live version. Raises what that raises."""
        if not running.experiment.share:
            return self._shadowed(running, model, batch, options, score)
        if not batch.identifiers or _is_for_live_alone(running, batch, options):
            return self._observed(running, score(model, batch, options))
        parts = self._parts(running, model, batch, options, score)
        if running.experiment.mode == "canary" and parts[0].answer.variant == CHALLENGER:
            self._compare(running, model, parts[0].answer)
        # One answer of a batch counts what was sent.
        for position, part in enumerate(parts):
            answer = self._observed(running, part.answer._replace(sent=0 if position else batch.sent))
        return answer if len(parts) == 1 else _merged(running, batch, parts)

    def _parts(
        self, running: LoadedExperiment, model: Model, batch: Batch, options: Options, score: ScoreBatch
    ) -> list[_Part]:
        """The answer of each variant that a batch has records for; the challenger's is the first."""
        groups: dict[VariantName, list[int]] = {}
        for row, identifier in enumerate(batch.identifiers):
            groups.setdefault(running.experiment.variant_for(identifier), []).append(row)
        parts = []
        by_challenger = groups.pop(CHALLENGER, [])
        if by_challenger:
            try:
                answer = score(running.challenger, _records_at(batch, by_challenger), options)
                parts.append(_Part(by_challenger, answer._replace(variant=CHALLENGER)))
            except Exception as error:  # noqa: BLE001 - ONNX Runtime's own errors share no base class
                self._report(running, "error", error)
                # The live version answers them, and they are part of no comparison.
                groups[LIVE_VARIANT] = sorted([*groups.get(LIVE_VARIANT, []), *by_challenger])
        for variant, rows in groups.items():
            parts.append(_Part(rows, score(model, _records_at(batch, rows), options)._replace(variant=variant)))
        return parts

    def _shadowed(
        self, running: LoadedExperiment, model: Model, batch: Batch, options: Options, score: ScoreBatch
    ) -> Answer:
        """The answer of the live version. What the challenger says of the same records is for observers alone."""
        answer = self._observed(running, score(model, batch, options))
        if batch.identifiers and not self._shadows.add(running, answer, batch.columns, options.threshold):
            self._report(running, "too-slow")
        return answer

    def _shadow_scored(self, running: LoadedExperiment, shadow: Answer, pair: Pair) -> None:
        self._observed(running, shadow)
        for observer in self._observers:
            observer.compared(running, pair)

    def _shadow_failed(self, running: LoadedExperiment, error: Exception) -> None:
        self._report(running, "error", error)

    def _compare(self, running: LoadedExperiment, model: Model, challenged: Answer) -> None:
        """Score some of a canary's records by both versions, for observers alone."""
        records = challenged.records
        if records is None:
            return
        some = records.take(range(min(records.rows, COMPARED_ROWS)))
        try:
            started = perf_counter()
            live = model.score(some)
            between = perf_counter()
            challenger = running.challenger.score(some)
        except Exception as error:  # noqa: BLE001 - as above
            self._report(running, "error", error)
            return
        pair = Pair(live, challenger, (between - started, perf_counter() - between))
        for observer in self._observers:
            observer.compared(running, pair)

    def _observed(self, running: LoadedExperiment, answer: Answer) -> Answer:
        """The answer as one of the experiment, after all observers have received it."""
        if answer.experiment is None:
            answer = answer._replace(experiment=running.experiment)
        self._notify(answer)
        for observer in self._observers:
            observer.answered(running, answer)
        return answer

    def _report(self, running: LoadedExperiment, failure: Failure, error: Exception | None = None) -> None:
        """Report a failure; the first of an experiment and process is logged."""
        experiment = running.experiment
        if experiment.id not in self._failed:
            self._failed.add(experiment.id)
            name = failure if error is None else type(error).__name__
            log.warning("model %r: challenger %s has failed (%s)", experiment.model, experiment.challenger, name)
        for observer in self._observers:
            observer.failed(running, failure)


def _is_for_live_alone(running: LoadedExperiment, batch: Batch, options: Options) -> bool:
    """Whether the challenger cannot give the reasons that the caller wants: those of many have one base."""
    return bool(options.reasons) and (batch.sent > 1 or running.challenger.reasons.explainer is None)


def _records_at(batch: Batch, rows: Sequence[int]) -> Batch:
    """Some of the valid records, without faults and warnings."""
    if len(rows) == len(batch.identifiers):
        return batch
    identifiers, positions = [batch.identifiers[row] for row in rows], [batch.positions[row] for row in rows]
    return Batch(identifiers, batch.columns.take(rows), positions, batch.sent, [], [])


def _merged(running: LoadedExperiment, batch: Batch, parts: Sequence[_Part]) -> Answer:
    """The answers of all variants as one of the live version, in the order sent."""
    live = parts[-1].answer
    columns = {name: np.empty(len(batch.identifiers), np.asarray(live.columns[name]).dtype) for name in live.columns}
    variants = [LIVE_VARIANT] * len(batch.identifiers)
    for rows, answer in parts:
        for name, values in answer.columns.items():
            columns[name][rows] = values
        for row in rows:
            variants[row] = answer.variant
    return live._replace(
        identifiers=batch.identifiers,
        columns=columns,
        sent=batch.sent,
        seconds=sum(part.answer.seconds for part in parts),
        records=batch.columns,
        positions=batch.positions if len(batch.positions) < batch.sent else None,
        variant=LIVE_VARIANT,
        experiment=running.experiment,
        split=Split(variants, running.challenger, parts[0].answer.threshold),
    )
