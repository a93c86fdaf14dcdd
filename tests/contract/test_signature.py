import msgspec
import pytest
from builders import feature, signature

from churn_api.contract.presentation import Actionable, ReasonTexts
from churn_api.contract.signature import Feature, Signature, SignatureError


def test_json_and_back():
    """A signature survives a round trip through JSON."""
    original = signature(
        feature("age", minimum=18, maximum=99, required=True, nullable=False),
        feature("plan", "string", choices=("A", "B"), unseen="accept", description="What they pay for."),
        feature(
            "level", "integer", choices=(1, 2, 3), label="Level", unit="steps", actionable=Actionable(values=(1, 2))
        ),
        feature("fee", "number", group="money", actionable=Actionable(factors=(0.9, 0.8))),
        feature(
            "paid", "number", group="money", texts=ReasonTexts(raises="{value} is much", lowers="{value} is little")
        ),
        feature("auto", "boolean", labels=("Yes", "No"), actionable=Actionable(values=(True, "No"))),
    )
    assert Signature.from_json(original.to_json()) == original


def test_immutable():
    """A signature is immutable."""
    with pytest.raises(AttributeError):
        signature().features[0].name = "other"
    with pytest.raises(AttributeError):
        signature().identifier = "other"


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        ({"minimum": 2, "maximum": 1}, "minimum is above maximum"),
        ({"type": "string", "minimum": 1}, "a string has no minimum"),
        ({"type": "number", "maximum": float("inf")}, "float32"),
        ({"type": "number", "maximum": 1e39}, "float32"),
        ({"name": "customer_id"}, "reserved"),
        ({"name": " "}, "blank"),
        ({"name": "a\nb"}, "control characters"),
        ({"name": "a" * 129}, "at most 128"),
        ({"type": "string", "choices": ()}, "must not be empty"),
        ({"type": "string", "choices": ("a", "a")}, "twice"),
        ({"type": "string", "choices": (1,)}, "valid string"),
        ({"type": "integer", "choices": (1.5,)}, "valid integer"),
        ({"type": "boolean", "choices": (1,)}, "no choices"),
        ({"type": "string", "unseen": "accept"}, "needs choices"),
        ({"type": "string", "max_length": 0}, "at least 1"),
        ({"label": "a" * 257}, "label has at most 256 characters"),
        ({"unit": "a\u0000"}, "no control characters"),
        ({"texts": ReasonTexts(raises="x", lowers="")}, "one text for raises and one for lowers"),
        ({"texts": ReasonTexts(raises="{x}", lowers="y")}, "no braces but {value}"),
        ({"actionable": Actionable()}, "needs values or factors"),
        ({"actionable": Actionable(factors=(float("nan"),))}, "a factor is a finite number"),
        ({"type": "string", "actionable": Actionable(factors=(0.9,))}, "factors are for numbers"),
        ({"maximum": 9, "actionable": Actionable(values=(10,))}, "one that a record may have"),
        ({"type": "string", "choices": ("A",), "actionable": Actionable(values=("B",))}, "one that a record may have"),
        (
            {"type": "boolean", "labels": ("Yes", "No"), "actionable": Actionable(values=("yes",))},
            "one that a record may have",
        ),
    ],
)
def test_contradictions(parts, complaint):
    """An inconsistent feature is rejected with its name and the reason."""
    with pytest.raises(SignatureError, match=complaint):
        feature(**parts)


def test_clashes():
    """Two features with one name, or a feature with the name of the identifier or the target, are rejected."""
    with pytest.raises(SignatureError, match="two features are named 'a'"):
        signature(feature("a"), feature("a"))
    with pytest.raises(SignatureError, match="both a feature and the identifier"):
        signature(feature("customerID"))
    with pytest.raises(SignatureError, match="both a feature and the target"):
        signature(feature("Churn"))
    with pytest.raises(SignatureError, match="at most 40 values and factors in all features"):
        signature(*(feature(name, actionable=Actionable(factors=(0.5,) * 21)) for name in "ab"))
    with pytest.raises(SignatureError, match="both a feature and a group"):
        signature(feature("a"), feature("b", group="a"))
    with pytest.raises(SignatureError, match="at least one feature"):
        Signature(features=(), target=signature().target)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"type": "float"}, r"Invalid enum value 'float' - at `\$.features\[0\].type`"),
        ({"name": 3}, r"Expected `str`, got `int` - at `\$.features\[0\].name`"),
        ({"minimun": 3}, "unknown field `minimun`"),
        ({"minimum": 3, "maximum": 2}, "minimum is above maximum"),
    ],
)
def test_bad_json_names_the_path(change, complaint):
    """JSON that is not a signature is rejected with the path of the error."""
    plain = msgspec.json.decode(signature().to_json())
    plain["features"][0] |= change
    with pytest.raises(SignatureError, match=complaint):
        Signature.from_json(msgspec.json.encode(plain))


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b'{"features": []}'])
def test_not_a_signature(data):
    """Invalid JSON, or JSON with missing members, raises SignatureError and no other exception."""
    with pytest.raises(SignatureError):
        Signature.from_json(data)


def test_defaults_are_left_out_of_the_json():
    """The JSON of a feature contains what was declared and no defaults."""
    assert msgspec.json.encode(Feature(name="a", type="number")) == b'{"name":"a","type":"number"}'
