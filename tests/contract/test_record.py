import math

import pytest
from builders import ODD_NAMES, feature, signature
from hypothesis import given
from hypothesis import strategies as st

from churn_api.contract.record import InvalidRecord, RecordReader

SIGNATURE = signature(
    feature("tenure", "integer", required=True, nullable=False),
    feature("total_charges", "number"),
    feature("partner", "boolean"),
    feature("contract", "string", choices=("Month-to-month", "One year", "Two year")),
    feature("city", "string", max_length=10),
    feature("plan", "string", choices=("A", "B"), unseen="accept"),
    feature("age", "integer", minimum=18, maximum=99),
)
READER = RecordReader(SIGNATURE)


def faults_of(reader=READER, **payload):
    payload = {"tenure": 1} | payload
    with pytest.raises(InvalidRecord) as caught:
        reader.read(payload)
    return {fault.pointer: fault for fault in caught.value.faults}


def test_values_come_in_the_signatures_order():
    """A record's values are in the signature's order, whatever the order sent, with None for missing values."""
    record = READER.read({"age": 30, "partner": False, "tenure": 3.0, "total_charges": 7, "customerID": 17})
    assert record == (17, (3, 7.0, False, None, None, None, 30))


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("tenure", "3", "wrong-type"),
        ("tenure", True, "wrong-type"),
        ("tenure", 3.5, "wrong-type"),
        ("tenure", None, "null"),
        ("tenure", [3], "wrong-type"),
        ("tenure", 2**53, "too-large"),
        ("total_charges", "1.5", "wrong-type"),
        ("total_charges", False, "wrong-type"),
        ("total_charges", math.nan, "not-a-number"),
        ("total_charges", math.inf, "not-a-number"),
        ("total_charges", 3.5e38, "not-a-number"),
        pytest.param("total_charges", -(10**400), "not-a-number", id="huge"),
        ("partner", 1, "wrong-type"),
        ("partner", "Yes", "wrong-type"),
        ("contract", "Two years", "not-a-choice"),
        ("contract", "", "not-a-choice"),
        ("contract", 1, "wrong-type"),
        ("city", "", "empty"),
        ("city", "a" * 11, "too-long"),
        ("age", 17, "too-small"),
        ("age", 100, "too-large"),
        ("customer_id", "", "wrong-length"),
        ("customer_id", "a" * 129, "wrong-length"),
        ("customer_id", "a\nb", "not-printable"),
        ("customer_id", "a\u202eb", "not-printable"),
        ("customer_id", 1.5, "wrong-type"),
        ("customer_id", True, "wrong-type"),
        ("customer_id", 2**63, "wrong-type"),
    ],
)
def test_strictness(name, value, code):
    """No value is cast: each of these is one fault with that code at that field."""
    assert {pointer: fault.code for pointer, fault in faults_of(**{name: value}).items()} == {f"#/{name}": code}


@pytest.mark.parametrize("identifier", ["CUST001", "José 7", 0, -5, 2**63 - 1, 7.0, "a" * 128])
@pytest.mark.parametrize("name", ["customer_id", "customerID"])
def test_identifier_is_kept(name, identifier):
    """The identifier is accepted under either name, and keeps its value and type."""
    kept = READER.read({"tenure": 1, name: identifier}).customer_id
    assert (kept, type(kept)) == (identifier, type(identifier))


def test_identifier_sent_twice():
    """An identifier under both names is a fault, since it is ambiguous."""
    assert faults_of(customer_id="a", customerID="b")["#/customer_id"].code == "sent-twice"


def test_all_faults_at_once():
    """Every fault of a record is reported, including unknown fields, in the signature's order."""
    faults = faults_of(tenure="x", age=1, contract="None", citi="Rome", customer_id="a", customerID="b")
    assert list(faults) == ["#/tenure", "#/contract", "#/age", "#/customer_id", "#/citi"]


def test_required():
    """A missing required field is a fault with the field's path."""
    with pytest.raises(InvalidRecord) as caught:
        READER.read({})
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [("#/tenure", "required")]


@pytest.mark.parametrize(
    ("payload", "hint"),
    [
        ({"totl_charges": 1}, "Did you mean 'total_charges'?"),
        ({"Total_Charges": 1}, "Did you mean 'total_charges'?"),
        ({"Churn": "Yes"}, "This is what the model predicts: leave it out."),
        ({"contract": "month to month"}, "Did you mean 'Month-to-month'?"),
        ({"tenure": "3"}, "Send it without quotes."),
        ({"zzzzzzzz": 1}, None),
    ],
)
def test_hints(payload, hint):
    """A hint suggests what to send instead, where it can be guessed."""
    assert [fault.hint for fault in faults_of(**payload).values()] == [hint]


def test_not_a_choice_lists_the_choices():
    """The message of an unknown category lists the known ones."""
    assert faults_of(contract="x")["#/contract"].message == "Must be one of: Month-to-month, One year, Two year."


def test_open_feature():
    """An out-of-vocabulary category of an open feature is a valid value."""
    assert READER.read({"tenure": 1, "plan": "C"}).values[5] == "C"


@pytest.mark.parametrize("payload", [None, [], "a", 3, [{"tenure": 1}], True])
def test_not_an_object(payload):
    """A body that is not an object is one fault at its root."""
    with pytest.raises(InvalidRecord) as caught:
        READER.read(payload)
    assert [fault.pointer for fault in caught.value.faults] == ["#"]


def test_unknown_fields_are_bounded():
    """A thousand unknown fields, one with a huge name, get a short answer that does not repeat the huge name."""
    unknown = {f"unknown{number}": 1 for number in range(1000)}
    with pytest.raises(InvalidRecord) as caught:
        READER.read({"tenure": 1, "x" * 100_000: 1} | unknown)
    assert len(caught.value.faults) == 21
    assert "981 more" in caught.value.faults[-1].message
    assert all(len(fault.pointer) < 200 for fault in caught.value.faults)


def test_odd_names():
    """Names that are not Python identifiers, or that Marshmallow uses itself, work like any other."""
    reader = RecordReader(signature(*(feature(name, "number", required=True, nullable=False) for name in ODD_NAMES)))
    record = reader.read({name: float(index) for index, name in enumerate(ODD_NAMES)})
    assert record.values == tuple(map(float, range(len(ODD_NAMES))))
    assert faults_of(reader, **{"Day Mins": "x"}).keys() >= {"#/Day%20Mins", "#/say%20%22hi%22~1%C3%A9", "#/a.b"}


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from([*(f.name for f in SIGNATURE.features), "customer_id", "customerID"])


@given(st.dictionaries(NAMES | st.text(max_size=5), JSON_VALUES, max_size=8))
def test_any_object_is_valid_or_explained(payload):
    """Any object is a valid record or has faults, and no message repeats a value that was sent."""
    marked = {name: "s3cret" + value if isinstance(value, str) else value for name, value in payload.items()}
    try:
        record = READER.read(marked)
    except InvalidRecord as error:
        assert error.faults
        assert not any("s3cret" in f"{fault.message}{fault.hint}" for fault in error.faults)
    else:
        assert len(record.values) == len(SIGNATURE.features)
