"""Faults: what is wrong with a record, said so that a client can mend it."""

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import quote

from rapidfuzz import fuzz, process

SIMILAR_ENOUGH = 70.0
"""Score of 100 from which a known word is offered in place of a misspelt one."""

LONGEST_COMPARED = 256
"""Characters; a longer word is no misspelling, and comparing it would cost more than it helps."""


class Fault(NamedTuple):
    """One fault. `path` leads to the value from the root of the body; no fault ever holds the value itself."""

    code: str
    message: str
    hint: str | None = None
    path: tuple[str | int, ...] = ()

    def under(self, *parents: str | int) -> "Fault":
        """The same fault, seen from a body that holds the record at `parents`."""
        return self._replace(path=parents + self.path)

    @property
    def pointer(self) -> str:
        """The place as a JSON Pointer in URI fragment form (RFC 6901, section 6): `#/customers/17/Day%20Mins`."""
        return "#" + "".join("/" + _escaped(str(step)) for step in self.path)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint that names the known word most like `word`, or None where none is like it."""
    match = most_like(word, known)
    return None if match is None else f"Did you mean '{match}'?"


def most_like(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, or None where none is like it."""
    if len(word) > LONGEST_COMPARED:
        return None
    match = process.extractOne(word.casefold(), {name: name.casefold() for name in known}, scorer=fuzz.ratio)
    return None if match is None or match[1] < SIMILAR_ENOUGH else match[2]


def _escaped(step: str) -> str:
    return quote(step.replace("~", "~0").replace("/", "~1"), safe="~$&+,;=:@!'()*")
