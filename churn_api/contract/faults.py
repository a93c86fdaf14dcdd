"""Faults: what is wrong with a record, said so that a client can mend it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import NamedTuple
from urllib.parse import quote

from rapidfuzz import fuzz, process

SIMILAR_ENOUGH = 70.0
"""Score of 100 from which a known word is offered in place of a misspelt one."""

LONGEST_COMPARED = 256
"""Characters; a longer word is no misspelling, and comparing it would cost more than it helps."""

MAX_TOLD = 1000
"""Faults of one body that an answer lists; the rest are counted."""
MAX_LISTED = 20
"""Choices that a message lists; the rest are counted."""
MAX_COMPARED = 1 << 26
"""What the misspelt words of one body may cost to compare, in characters: a fraction of a second's work."""

_AT_ONCE = 64
"""Characters of a misspelt word that are compared with one of a known word in one step."""
_EACH_WORD = 16
"""What a known word costs besides its characters."""

_compared_left: ContextVar[list[int] | None] = ContextVar("compared_left", default=None)


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


class FirstFaults:
    """Of any number of faults the first ones, and a count of the rest."""

    def __init__(self) -> None:
        self.told: list[Fault] = []
        self.more = 0

    def add(self, faults: Sequence[Fault]) -> None:
        """Faults that follow."""
        some = faults[: max(0, MAX_TOLD - len(self.told))]
        self.told += some
        self.more += len(faults) - len(some)


class Words:
    """Known words, made ready to be compared with once, and not before the first misspelt one."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)

    @cached_property
    def size(self) -> int:
        """What it costs to compare a short word with each."""
        return sum(map(len, self.words)) + _EACH_WORD * len(self.words)

    @cached_property
    def folded(self) -> list[str]:
        """The same without regard to case."""
        return [word.casefold() for word in self.words]

    def nearest(self, word: str) -> int | None:
        """The position of the word that is most like another; None where none is like it."""
        if len(word) > LONGEST_COMPARED or not _may_compare(self.size * -(-len(word) // _AT_ONCE)):
            return None
        match = process.extractOne(word.casefold(), self.folded, scorer=fuzz.ratio, score_cutoff=SIMILAR_ENOUGH)
        return None if match is None else int(match[2])


def did_you_mean(word: str, known: Iterable[str] | Words) -> str | None:
    """A hint that names the known word most like `word`, or None where none is like it."""
    match = most_like(word, known)
    return None if match is None else f"Did you mean '{match}'?"


def most_like(word: str, known: Iterable[str] | Words) -> str | None:
    """The known word most like `word`, or None where none is like it."""
    words = known if isinstance(known, Words) else Words(known)
    nearest = words.nearest(word)
    return None if nearest is None else words.words[nearest]


@contextmanager
def bounded_hints() -> Iterator[None]:
    """Compare no more than MAX_COMPARED characters in the block; faults beyond it go without a hint."""
    if _compared_left.get() is not None:
        yield
        return
    token = _compared_left.set([MAX_COMPARED])
    try:
        yield
    finally:
        _compared_left.reset(token)


def listed(choices: Sequence[object]) -> str:
    """Choices as a message lists them: the first few, and a count of the rest."""
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
