"""Selects the columns of a table: the features, the identifier, and the columns to copy into the result."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from churn_api.contract.faults import Fault, Words, bounded_hints, did_you_mean
from churn_api.contract.record_schema import identifier_names
from churn_api.contract.signature import Feature, Signature
from churn_api.tables.column_names import unnamed
from churn_api.tables.table_errors import KEEP, TableFaults


class Selection(NamedTuple):
    """The columns of a table that are read."""

    features: tuple[Feature, ...]
    """The features that the table has, in the signature's order."""
    identifier: str | None
    kept: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The name of every column to read, without duplicates."""
        read = [feature.name for feature in self.features] + ([self.identifier] if self.identifier else [])
        return tuple(dict.fromkeys([*read, *self.kept]))

    @property
    def not_kept(self) -> tuple[str, ...]:
        """Features that are not copied into the result: for these the distinct texts suffice."""
        return tuple(feature.name for feature in self.features if feature.name not in self.kept)


def select(
    names: Sequence[str], signature: Signature, keep: Sequence[str] | None, reserved: frozenset[str]
) -> Selection:
    """Select the columns of a table with these names; `keep` None keeps all but the identifier, which the result has.

    Raises TableFaults where a required column is missing, or a column to keep is unknown or has a `reserved` name.
    """
    identifiers = [name for name in identifier_names(signature) if name in names]
    others = [name for name in names if name not in identifiers and name not in unnamed(names)]
    kept = tuple(dict.fromkeys(others if keep is None else keep))
    with bounded_hints():
        faults = [*_missing(names, signature), *_doubled(identifiers), *_unknown(keep or (), names, signature)]
    faults += clashing(kept, reserved)
    if faults:
        raise TableFaults(faults)
    features = tuple(feature for feature in signature.features if feature.name in names)
    return Selection(features, identifiers[0] if identifiers else None, kept)


def clashing(kept: Sequence[str], reserved: frozenset[str]) -> Iterator[Fault]:
    """A fault for each column to keep that has the name of a result's column."""
    for name in kept:
        if name in reserved:
            yield Fault("clash", "The result has a column of this name.", "Name other columns to keep.", (name,))


def _missing(names: Sequence[str], signature: Signature) -> Iterator[Fault]:
    known = {feature.name for feature in signature.features}
    unknown = [name for name in names if name not in known]
    words = Words(unknown)
    for feature in signature.features:
        if feature.required and feature.name not in names:
            nearest = words.nearest(feature.name)
            # By position: the names come from the client's file, and may be values of a row.
            hint = None if nearest is None else _renamed(names.index(unknown[nearest]), feature.name)
            yield Fault("required", "This column is required.", hint, (feature.name,))


def _renamed(position: int, name: str) -> str:
    return f"Column {position + 1} is unknown: did you mean '{name}'?"


def _doubled(identifiers: list[str]) -> Iterator[Fault]:
    if len(identifiers) > 1:
        message = "The identifier stands twice, under two names."
        yield Fault("sent-twice", message, f"Leave out {identifiers[1]!r}.", (identifiers[0],))


def _unknown(keep: Sequence[str], names: Sequence[str], signature: Signature) -> Iterator[Fault]:
    """A fault for each name to keep that the table does not have, by its position in `keep`."""
    known = set(names)
    features = Words(feature.name for feature in signature.features if feature.name in known)
    for position, name in enumerate(keep):
        if name not in known:
            hint = did_you_mean(name, features)
            yield Fault("unknown-column", f"Name {position + 1} is no column of the table.", hint, (KEEP, position))
