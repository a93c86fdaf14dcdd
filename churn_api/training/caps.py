"""Which candidates learned for as long as their caps allow, and might have learned more."""

from typing import Any

from churn_api.contract.remark import Remark
from churn_api.training.candidate_list import candidate_named
from churn_api.training.candidates import Learning
from churn_api.training.splits import FOLDS
from churn_api.training.validation import Evaluation


def reached_caps(evaluations: dict[str, Evaluation], learning: Learning) -> dict[str, dict[str, Any]]:
    """By candidate that learned for as long as its cap allows: the setting, its value, and in how many folds."""
    return {
        name: {"setting": cap, "value": learning.of(name)[cap], "folds": evaluation.capped_folds}
        for name, evaluation in evaluations.items()
        if evaluation.capped_folds
        for cap in [candidate_named(name).cap]
    }


def cap_remark(name: str, cap: dict[str, Any]) -> Remark:
    """The remark on a candidate that reached its cap."""
    setting = f"{name}.{cap['setting']}"
    limits = {one.name: one.maximum for one in candidate_named(name).settings}
    higher = min(2 * cap["value"], limits[cap["setting"]])
    return Remark(
        seen=f"{name} was still improving in {cap['folds']} of {FOLDS} folds",
        done=f"stopped at {setting}={cap['value']}",
        option=f"--set {setting}={higher}" if higher > cap["value"] else None,
    )
