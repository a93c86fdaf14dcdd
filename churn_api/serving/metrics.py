"""Predictions as metrics: how many, of which model, how probable and how fast, whichever door they went out by."""

import numpy as np

from churn_api.scoring.output import PREDICTION, PROBABILITY
from churn_api.serving.answer import Answer
from churn_api.telemetry.metrics import Children, Families, Step


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
        steps = [*self._inference[model].steps(answer.seconds), *self._of_probabilities(model, answer)]
        if answer.many:
            steps += self._families.batch_rows.steps(answer.sent)
        predictions = answer.columns[PREDICTION.name]
        churning = int(np.count_nonzero(predictions))
        for outcome, count in (("churn", churning), ("stay", len(predictions) - churning)):
            if count:
                steps.append(self._predictions[*model, outcome].step(count))
        self._families.add(steps)

    def _of_probabilities(self, model: tuple[str, str], answer: Answer) -> list[Step]:
        probabilities, family = answer.columns[PROBABILITY.name], self._probability[model]
        if len(probabilities) == 1:
            # For one number NumPy's calls cost more than all the rest.
            return [*family.steps(float(probabilities[0]))]
        return family.steps_of_many(probabilities) if len(probabilities) else []
