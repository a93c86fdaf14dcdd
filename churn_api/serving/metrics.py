"""Predictions as metrics: how many, of which model, how probable and how fast, whichever door they went out by."""

from collections.abc import Iterable

from churn_api.scoring.output import PREDICTION, PROBABILITY, Computed
from churn_api.serving.answer import Answer
from churn_api.telemetry.metrics import Children, Families, Histogram, Step


class PredictionMetrics:
    """Counts answers."""

    def __init__(self, families: Families) -> None:
        self._families = families
        self._predictions = Children(families.predictions)
        self._inference = Children(families.inference)
        self._probability = Children(families.probability)

    def predicted(self, answer: Answer) -> None:
        """Count the predictions of an answer."""
        card = answer.model.card
        model = card.name, card.version
        probabilities = answer.columns[PROBABILITY.name]
        steps = [*self._inference[model].steps(answer.seconds), *_steps(self._probability[model], probabilities)]
        if answer.many:
            steps += self._families.batch_rows.steps(answer.sent)
        predictions = answer.columns[PREDICTION.name]
        churning = int(sum(predictions) if isinstance(predictions, list) else predictions.sum())
        for outcome, count in (("churn", churning), ("stay", len(probabilities) - churning)):
            if count:
                steps.append(self._predictions[*model, outcome].step(count))
        self._families.add(steps)


def _steps(family: Histogram, probabilities: Computed) -> Iterable[Step]:
    if isinstance(probabilities, list):
        return family.steps(probabilities[0])
    return family.steps_of_many(probabilities) if len(probabilities) else ()
