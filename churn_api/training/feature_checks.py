"""Checks of features against the target and each other: target leakage, twins, and columns that go together."""

from collections.abc import Collection, Mapping

import pandas as pd

from churn_api.contract.remark import Remark
from churn_api.contract.signature import Signature
from churn_api.training import data_checks
from churn_api.training.collinearity import HIGH_CORRELATION, correlated_groups, twins
from churn_api.training.evaluation_metrics import Labels
from churn_api.training.findings import Findings
from churn_api.training.training_error import TrainingError

PERFECT_AUC = 0.999
"""ROC-AUC on rows that a model was not fitted on, from which it is probably too good to be true."""

_SHARED = "kept; they share their importance, and are one reason"


def check_leakage(frame: pd.DataFrame, labels: Labels, accepted: Collection[str], findings: Findings) -> None:
    """Raise TrainingError where a column almost determines the target, unless the user accepts it."""
    leaking = data_checks.target_leakage(frame, labels)
    refused = [name for name in leaking if name not in accepted]
    if refused:
        listed = ", ".join(f"{name!r} (ROC-AUC {leaking[name]:.3f} by itself)" for name in refused)
        remedies = [" ".join(f"{option} {name!r}" for name in refused) for option in ("--exclude", "--accept-leakage")]
        raise TrainingError(
            f"target leakage: {listed} almost determines the target, so it is probably known only afterwards. "
            f"Leave it out with {remedies[0]}, or keep it with {remedies[1]} if it is known before"
        )
    findings.keep(leaking, "almost determines the target", "kept, since its leakage is accepted")


def perfection_remarks(roc_auc: float, importance: Mapping[str, float]) -> list[Remark]:
    """A remark where a model is right in nearly every row, which may be target leakage by several columns together."""
    if roc_auc < PERFECT_AUC:
        return []
    names = [repr(name) for name in sorted(importance, key=lambda name: -importance[name])[:3]]
    seen = f"the model is right in nearly every row (ROC-AUC {roc_auc:.4f}), above all by {', '.join(names)}"
    return [Remark(seen=seen, done="kept; were they known before the outcome?", option="--exclude COL")]


def report_alike(frame: pd.DataFrame, signature: Signature, findings: Findings) -> list[list[str]]:
    """The groups of features that are the same, or rise and fall together, with a remark on each."""
    pairs = dict(twins(frame))
    for name, same in pairs.items():
        findings.keep([name], f"says the same as {same!r} in every row", _SHARED)
    measured = [one.name for one in signature.features if one.measured and one.name not in pairs]
    correlated = correlated_groups(frame, measured)
    for first, *others in correlated:
        listed = ", ".join(map(repr, others))
        seen = f"rises and falls with {listed} (rank correlation from {HIGH_CORRELATION})"
        findings.remarks.append(Remark(column=first, seen=seen, done=_SHARED, option="`group` in the signature"))
    return [group + [name for name, same in pairs.items() if same in group] for group in correlated] + [
        [same, *(name for name, other in pairs.items() if other == same)]
        for same in dict.fromkeys(pairs.values())
        if not any(same in group for group in correlated)
    ]
