"""Puts the costs in force into the models of this process."""

import logging
from collections.abc import Mapping

from churn_api.registry.catalog import Entry
from churn_api.registry.decision import CostsInForce
from churn_api.registry.loaded_models import Key
from churn_api.registry.model import AnyModel, Model

log = logging.getLogger(__name__)


class CostsOfModels:
    """Applies costs to models, and logs once where costs do not fit a version."""

    def __init__(self) -> None:
        self._logged: dict[Key, CostsInForce | None] = {}
        """By version the costs that do not decide, and of which the log says so."""

    def applied(self, key: Key, model: AnyModel, catalog: Mapping[str, Entry]) -> AnyModel:
        """The model with its costs in force, where they fit."""
        if not isinstance(model, Model):
            return model
        name, version = key
        entry = catalog.get(name)
        costs = entry.costs if entry else None
        if model.costs == costs:
            return model
        model = model.with_costs(costs)
        if model.costs != costs and self._logged.get(key) != costs:
            self._logged[key] = costs
            log.warning("version %s of %r lacks the feature of its costs: the card's threshold decides", version, name)
        return model
