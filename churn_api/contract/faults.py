"""Faults: what is wrong with a record, in words that help a client to correct it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import NamedTuple
from urllib.parse import quote

from rapidfuzz import fuzz, process

SIMILAR_ENOUGH = 70.0
"""Similarity (0 to 100) from which a known word is suggested for a misspelt one."""

LONGEST_COMPARED = 256
"""Characters; a longer word gets no suggestion, since comparing it would cost too much."""

MAX_FAULTS = 1000
"""Faults of one body that a response lists; the others are counted."""
MAX_LISTED = 20
"""Choices that a message lists; the others are counted."""
MAX_COMPARED = 1 << 26
"""Budget of character comparisons for the misspelt words of one body: a fraction of a second of CPU time."""

_AT_ONCE = 64
"""Characters of a misspelt word that one step compares with a character of a known word."""
_EACH_WORD = 16
"""Fixed cost of comparing one known word, in addition to its characters."""

_compared_left: ContextVar[list[int] | None] = ContextVar("compared_left", default=None)


class Fault(NamedTuple):
    """One fault. `path` leads from the root of the body to the value; a fault never contains the value itself."""

    code: str
    message: str
    hint: str | None = None
    path: tuple[str | int, ...] = ()

    def under(self, *parents: str | int) -> "Fault":
        """The same fault with its path prefixed by `parents`."""
        return self._replace(path=parents + self.path)

    @property
    def pointer(self) -> str:
        """The path as a JSON Pointer in URI fragment form (RFC 6901, section 6): `#/customers/17/Day%20Mins`."""
        return "#" + "".join("/" + _escaped(str(step)) for step in self.path)


class FirstFaults:
    """Collects the first MAX_FAULTS faults, and counts the others."""

    def __init__(self) -> None:
        self.first: list[Fault] = []
        self.more = 0

    def add(self, faults: Sequence[Fault]) -> None:
        """Add the next faults."""
        listed = faults[: max(0, MAX_FAULTS - len(self.first))]
        self.first += listed
        self.more += len(faults) - len(listed)


class Words:
    """Known words; what comparing needs is computed at the first misspelt word, and once."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)

    @cached_property
    def size(self) -> int:
        """The cost of comparing a short word with every known word."""
        return sum(map(len, self.words)) + _EACH_WORD * len(self.words)

    @cached_property
    def casefolded(self) -> list[str]:
        """The known words, case-folded."""
        return [word.casefold() for word in self.words]

    def nearest(self, word: str) -> int | None:
        """The position of the known word most similar to `word`; None where none is similar enough."""
        if len(word) > LONGEST_COMPARED or not _may_compare(self.size * -(-len(word) // _AT_ONCE)):
            return None
        match = process.extractOne(word.casefold(), self.casefolded, scorer=fuzz.ratio, score_cutoff=SIMILAR_ENOUGH)
        return None if match is None else int(match[2])


def did_you_mean(word: str, known: Iterable[str] | Words) -> str | None:
    """A hint that names the known word most similar to `word`; None where none is similar enough."""
    match = closest_match(word, known)
    return None if match is None else f"Did you mean '{match}'?"


def closest_match(word: str, known: Iterable[str] | Words) -> str | None:
    """The known word most similar to `word`; None where none is similar enough."""
    words = known if isinstance(known, Words) else Words(known)
    nearest = words.nearest(word)
    return None if nearest is None else words.words[nearest]


@contextmanager
def bounded_hints() -> Iterator[None]:
    """Limit comparisons in the `with` block to MAX_COMPARED characters; later faults get no hint."""
    if _compared_left.get() is not None:
        yield
        return
    token = _compared_left.set([MAX_COMPARED])
    try:
        yield
    finally:
        _compared_left.reset(token)


def format_choices(choices: Sequence[object]) -> str:
    """The first choices, separated by commas, and a count of the others."""
    shown = ", ".join(map(str, choices[:MAX_LISTED]))
    more = len(choices) - MAX_LISTED
    return f"{shown} and {more:,} more" if more > 0 else shown


def _may_compare(characters: int) -> bool:
    left = _compared_left.get()
    if left is None:
        return True
    if left[0] < characters:
        return False
    left[0] -= characters
    return True


def _escaped(step: str) -> str:
    return quote(step.replace("~", "~0").replace("/", "~1"), safe="~$&+,;=:@!'()*")
