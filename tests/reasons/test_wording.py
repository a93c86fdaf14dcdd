import string

import msgspec
import pytest
from builders import feature, signature

from churn_api.contract.feature_attributes import Observed
from churn_api.contract.presentation import ReasonTexts
from churn_api.reasons.catalogue import catalogues
from churn_api.reasons.players import players_of
from churn_api.reasons.wording import Wording


def fields(text):
    """The names in braces."""
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)


PLAN = {"type": "string", "choices": ("A", "B")}


def text(*features, values, sign=1.0, language="en"):
    """The text of the first player of a signature."""
    chosen = signature(*features)
    return Wording(chosen, catalogues()[language]).text(players_of(chosen)[0], values, sign)


@pytest.mark.parametrize(
    ("parts", "value", "expected"),
    [
        (PLAN, "A", "tenure is A: raises the risk"),
        (PLAN | {"label": "The plan"}, None, "The plan is not known: raises the risk"),
        (PLAN | {"unseen": "accept"}, "C", "tenure is a value that training did not see: raises the risk"),
        ({"type": "boolean"}, True, "tenure is yes: raises the risk"),
        ({"type": "boolean", "labels": ("Ja", "Nein")}, "Nein", "tenure is Nein: raises the risk"),
        (
            {"unit": "months", "observed": Observed(minimum=0, maximum=72, median=29)},
            1,
            "tenure (months) is 1 (typical: 29): raises the risk",
        ),
        ({"type": "number"}, 1234.5, "tenure is 1,234.50: raises the risk"),
        ({"type": "number"}, 0.001234, "tenure is 0.00123: raises the risk"),
        ({"type": "number"}, 1e300, "tenure is 1e+300: raises the risk"),
        ({"type": "number"}, 0.0, "tenure is 0: raises the risk"),
        (
            {"type": "date", "reference": "2026-01-31", "observed": Observed(minimum=0, maximum=9, median=1)},
            "2026-01-01",
            "tenure is 2026-01-01 (typical: 2026-01-30): raises the risk",
        ),
        ({"texts": ReasonTexts(raises="{value} only", lowers="long"), "unit": "months"}, 2, "2 months only"),
        ({"label": "{value}"}, 3, "{value} is 3: raises the risk"),
    ],
)
def test_by_type(parts, value, expected):
    """A text has label, value with unit, what is typical, and direction; a signature's own text wins."""
    assert text(feature(**parts), values=(value,)) == expected


@pytest.mark.parametrize(
    ("language", "number", "none"),
    [
        ("en", "fee is 1,234.50: lowers the risk", "fee is not known: makes no difference"),
        ("de", "fee ist 1.234,50: senkt das Risiko", "fee ist nicht bekannt: ändert nichts"),
    ],
)
def test_by_language(language, number, none):
    """Words and the marks of numbers follow the language; a contribution of zero makes no difference."""
    fee = feature("fee", "number")
    assert text(fee, values=(1234.5,), sign=-0.1, language=language) == number
    assert text(fee, values=(None,), sign=0.0, language=language) == none


def test_of_a_group():
    """A group's text names what each of its features says."""
    members = feature("tenure", group="how long"), feature("paid", "number", group="how long")
    assert text(*members, values=(1, 29.85)) == "tenure is 1, paid is 29.85 (together): raises the risk"


def test_values_that_are_equal_in_python():
    """1 and true are different values, though Python takes them for equal."""
    chosen = signature(feature("a", "boolean", labels=(1, 0)))
    wording, (player,) = Wording(chosen, catalogues()["en"]), players_of(chosen)
    assert wording.text(player, (True,), 1.0) == "a is yes: raises the risk"
    assert wording.text(player, (1,), 1.0) == "a is 1: raises the risk"


@pytest.mark.parametrize("language", catalogues())
def test_languages_are_complete(language):
    """Each language fills in the same names as English, word by word."""
    words, english = msgspec.structs.asdict(catalogues()[language]), msgspec.structs.asdict(catalogues()["en"])
    assert {word: fields(text) for word, text in words.items()} == {
        word: fields(text) for word, text in english.items()
    }
