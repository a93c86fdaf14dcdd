"""Groups of features: those that say the same are one reason, since which of them a model uses is chance."""

from collections.abc import Sequence

import msgspec

from churn_api.contract.presentation import MAX_WORDS
from churn_api.contract.signature import Signature

_NAMED = 3
"""Features that the name of a group lists; of more it gives their number."""


def with_groups(signature: Signature, groups: Sequence[Sequence[str]]) -> Signature:
    """The signature in which the features of each group have its name as their `group`."""
    names = {feature: group_name(group) for group in groups for feature in group}
    features = (
        msgspec.structs.replace(feature, group=names[feature.name]) if feature.name in names else feature
        for feature in signature.features
    )
    return msgspec.structs.replace(signature, features=tuple(features))


def group_name(group: Sequence[str]) -> str:
    """A name for a group from those of its features: "tenure + TotalCharges"."""
    rest = len(group) - _NAMED
    listed = " + ".join(group[:_NAMED])
    if rest > 0:
        listed += f" + {rest} more"
    return listed if len(listed) <= MAX_WORDS else f"{group[0]} + {len(group) - 1} more"
