"""Selection: which columns of a table are features, which one is the identifier, and which are kept in the result."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from churn_api.contract.faults import Fault, Words, bounded_hints, did_you_mean
from churn_api.contract.record_schema import identifier_names
from churn_api.contract.signature import Feature, Signature
from churn_api.tables.table_errors import KEEP, TableFaults


class Selection(NamedTuple):
    """The columns of a table that take part."""

    features: tuple[Feature, ...]
    """Those that the table has, in the signature's order."""
    identifier: str | None
    kept: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Every column, once."""
        read = [feature.name for feature in self.features] + ([self.identifier] if self.identifier else [])
        return tuple(dict.fromkeys([*read, *self.kept]))

    @property
    def not_kept(self) -> tuple[str, ...]:
        """Features that the result does not repeat: only their distinct texts are looked at."""
        return tuple(feature.name for feature in self.features if feature.name not in self.kept)


def select(
    names: Sequence[str], signature: Signature, keep: Sequence[str] | None, reserved: frozenset[str]
) -> Selection:
    """The columns of a table with these names; `keep` None keeps all but the identifier, which the result carries.

    Raises TableFaults where a required column is missing, or one to be kept is unknown or has a `reserved` name.
    """
    identifiers = [name for name in identifier_names(signature) if name in names]
    kept = tuple(dict.fromkeys(name for name in names if name not in identifiers) if keep is None else keep)
    with bounded_hints():
        faults = [*_missing(names, signature), *_doubled(identifiers), *_unknown(keep or (), names, signature)]
    faults += clashing(kept, reserved)
    if faults:
        raise TableFaults(faults)
    features = tuple(feature for feature in signature.features if feature.name in names)
    return Selection(features, identifiers[0] if identifiers else None, kept)


def clashing(kept: Sequence[str], reserved: frozenset[str]) -> Iterator[Fault]:
    """A fault for each column to be kept that is named like one of the result."""
    for name in kept:
        if name in reserved:
            yield Fault("clash", "The result has a column of this name.", "Name other columns to keep.", (name,))


def _missing(names: Sequence[str], signature: Signature) -> Iterator[Fault]:
    known = {feature.name for feature in signature.features}
    free = [name for name in names if name not in known]
    words = Words(free)
    for feature in signature.features:
        if feature.required and feature.name not in names:
            nearest = words.nearest(feature.name)
            # Told by its position: what a table calls its columns is the client's, and may be a row of values.
            hint = None if nearest is None else _renamed(names.index(free[nearest]), feature.name)
            yield Fault("required", "This column is required.", hint, (feature.name,))


def _renamed(position: int, name: str) -> str:
    return f"Column {position + 1} is unknown: did you mean '{name}'?"


def _doubled(identifiers: list[str]) -> Iterator[Fault]:
    if len(identifiers) > 1:
        told = "The identifier stands twice, under two names."
        yield Fault("sent-twice", told, f"Leave out {identifiers[1]!r}.", (identifiers[0],))


def _unknown(keep: Sequence[str], names: Sequence[str], signature: Signature) -> Iterator[Fault]:
    """A fault for each name that the table does not have, told by its position among those to keep."""
    known = set(names)
    features = Words(feature.name for feature in signature.features if feature.name in known)
    for position, name in enumerate(keep):
        if name not in known:
            hint = did_you_mean(name, features)
            yield Fault("unknown-column", f"Name {position + 1} is no column of the table.", hint, (KEEP, position))
