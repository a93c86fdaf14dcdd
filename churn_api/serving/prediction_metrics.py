"""Prometheus metrics of predictions: count by model and outcome, probabilities, and duration of scoring."""

import numpy as np

from churn_api.scoring.output import PREDICTION, PROBABILITY
from churn_api.serving.answer import Answer
from churn_api.telemetry.metric_families import Children, Families


class PredictionMetrics:
    """Counts the predictions of every answer."""

    def __init__(self, families: Families) -> None:
        self._families = families
        self._predictions = Children(families.predictions)
        self._inference = Children(families.inference)
        self._probability = Children(families.probability)

    def predicted(self, answer: Answer) -> None:
        """Count the predictions of an answer."""
        card = answer.model.card
        model = card.name, card.version
        predictions, probabilities = answer.columns[PREDICTION.name], answer.columns[PROBABILITY.name]
        steps = [*self._inference[model].steps(answer.seconds)]
        if isinstance(probabilities, list):
            steps += self._probability[model].steps(probabilities[0])
        else:
            steps += self._probability[model].steps_of_many(probabilities)
        if answer.many:
            steps += self._families.batch_rows.steps(answer.sent)
        churning = predictions[0] if len(predictions) == 1 else int(np.count_nonzero(predictions))
        for outcome, count in (("churn", churning), ("stay", len(predictions) - churning)):
            if count:
                steps.append(self._predictions[*model, outcome].step(count))
        self._families.add(steps)
