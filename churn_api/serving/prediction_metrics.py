"""Prometheus metrics of predictions: count by model and outcome, probabilities, and duration of scoring."""

import numpy as np

from churn_api.registry.variants import SHADOW
from churn_api.scoring.output import PREDICTION, PROBABILITY
from churn_api.serving.answer import Answer
from churn_api.serving.tensor_answer import TensorAnswer
from churn_api.telemetry.metric_families import Children, Families

COMPUTED = "computed"
"""The outcome of a tensor model's rows, whose labels may be thousands."""


class PredictionMetrics:
    """Counts the predictions of every answer, of models of customers and of tensor models."""

    def __init__(self, families: Families) -> None:
        self._families = families
        self._predictions = Children(families.predictions)
        self._inference = Children(families.inference)
        self._probability = Children(families.probability)

    def predicted(self, answer: Answer) -> None:
        """Count the predictions of an answer that a client receives."""
        if answer.variant == SHADOW:
            return
        card = answer.model.card
        model = card.name, card.version
        predictions, probabilities = answer.columns[PREDICTION.name], answer.columns[PROBABILITY.name]
        steps = [*self._inference[model].steps(answer.seconds)]
        if isinstance(probabilities, list):
            steps += self._probability[model].steps(probabilities[0])
        else:
            steps += self._probability[model].steps_of_many(probabilities)
        if answer.many and answer.sent:
            steps += self._families.batch_rows.steps(answer.sent)
        churning = predictions[0] if len(predictions) == 1 else int(np.count_nonzero(predictions))
        for outcome, count in (("churn", churning), ("stay", len(predictions) - churning)):
            if count:
                steps.append(self._predictions[*model, outcome].step(count))
        self._families.add(steps)

    def tensors_predicted(self, answer: TensorAnswer) -> None:
        """Count the rows of an answer of a tensor model."""
        card = answer.model.card
        model = card.name, card.version
        steps = [*self._inference[model].steps(answer.seconds), self._predictions[*model, COMPUTED].step(answer.rows)]
        if answer.many:
            steps += self._families.batch_rows.steps(answer.rows)
        self._families.add(steps)
