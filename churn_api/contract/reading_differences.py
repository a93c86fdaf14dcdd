"""Whether what is read by one signature may be scored by a model with another: every record, as the same columns."""

from collections.abc import Iterator

from churn_api.contract.record_schema import identifier_names, value_range
from churn_api.contract.signature import Feature, Signature

_SAME = ("type", "labels", "reference")
"""Attributes that decide what a value becomes in the columns."""


def reading_differences(reader: Signature, other: Signature) -> list[str]:
    """What keeps records that `reader` reads from the model of `other`; empty where nothing does.

    The other may accept more: further choices, a wider range, a field that it does not require.
    """
    if [feature.name for feature in reader.features] != [feature.name for feature in other.features]:
        return ["it does not have the same features in the same order"]
    differences = [
        f"{mine.name!r} {difference}"
        for mine, theirs in zip(reader.features, other.features, strict=True)
        for difference in _of_feature(mine, theirs)
    ]
    if identifier_names(reader) != identifier_names(other):
        differences.append("its identifier has another name")
    return differences


def _of_feature(mine: Feature, theirs: Feature) -> Iterator[str]:
    for attribute in _SAME:
        if getattr(mine, attribute) != getattr(theirs, attribute):
            yield f"has another {attribute}"
            return
    if (theirs.required and not mine.required) or (mine.nullable and not theirs.nullable):
        yield "is required, and may be missing here"
    if not _accepts_texts(mine, theirs):
        yield "does not accept every value that is accepted here"
    elif mine.measured and not _contains(value_range(theirs), value_range(mine)):
        yield "has a narrower range"


def _accepts_texts(mine: Feature, theirs: Feature) -> bool:
    """Whether each text, or number of a list of choices, that one feature accepts is accepted by the other."""
    if theirs.choices is None:
        return mine.choices is not None or mine.max_length <= theirs.max_length
    return theirs.open or (mine.choices is not None and not mine.open and {*mine.choices} <= {*theirs.choices})


def _contains(outer: tuple[float, float], inner: tuple[float, float]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]
