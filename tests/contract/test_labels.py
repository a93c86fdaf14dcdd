"""Labels of a boolean: the values of the training table are valid in JSON."""

import orjson
import pytest
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from builders import feature, signature

from churn_api.contract.batch_reader import BatchReader
from churn_api.contract.fields import IDENTIFIER_TYPES
from churn_api.contract.json_schema import record_json_schema
from churn_api.contract.record import InvalidRecord
from churn_api.contract.record_schema import record_schema
from churn_api.contract.signature import SignatureError

SIGNATURE = signature(
    feature("partner", "boolean", labels=("Yes", "No")),
    feature("senior", "boolean", labels=(1, 0), nullable=False),
    feature("since", "date", reference="2026-01-31"),
    feature("tenure"),
)
READER = BatchReader(SIGNATURE)


def numbers(record):
    return READER.read_one(orjson.dumps(record)).columns.numbers[0].tolist()


@pytest.mark.parametrize("value", [True, "Yes"])
@pytest.mark.parametrize("number", [True, 1, 1.0])
def test_labels_and_booleans_are_the_same(value, number):
    """A label of true is true, alone and in a batch."""
    record = {"partner": value, "senior": number, "tenure": 3, "since": "2026-01-30"}
    assert numbers(record) == [1, 1, 1, 3]
    batch = READER.read_many(orjson.dumps({"customers": [record, record]}), 10)
    assert batch.columns.numbers.tolist() == [[1, 1, 1, 3]] * 2


@pytest.mark.parametrize("value", ["yes", "Y", "true", "", 1, 0, 2])
def test_other_texts_are_faults(value):
    """Other spellings are faults, which name the two labels."""
    with pytest.raises(InvalidRecord) as caught:
        numbers({"partner": value, "senior": True})
    (fault,) = caught.value.faults
    assert (fault.code, fault.message) == ("wrong-type", "Must be true or false, or one of: Yes, No.")


@pytest.mark.parametrize(
    "labels", [("Yes", "Yes"), ("1", "0"), (0, 1), (1, 2), ("Yes", 0), ("", "No"), ("nan", "No"), ("x" * 300, "No")]
)
def test_labels_that_contradict(labels):
    """Labels that are equal, blank, or could be taken for other numbers are refused."""
    with pytest.raises(SignatureError):
        feature("partner", "boolean", labels=labels)


def test_documented_as_enforced():
    """The JSON Schema names labels and dates, and says what the Marshmallow schema says."""
    enforced = OpenAPIConverter("3.1.0", lambda schema: None, None).schema2jsonschema(record_schema(SIGNATURE))
    enforced["required"] = sorted(enforced.get("required", []))
    identifier = {"description": "Comes back as it was sent.", "anyOf": IDENTIFIER_TYPES}
    documented = {"required": []} | record_json_schema(SIGNATURE, identifier)
    documented.pop("not")
    assert documented == enforced
    assert documented["properties"]["partner"]["enum"] == [True, False, "Yes", "No", None]
    assert documented["properties"]["since"] == {
        "type": ["string", "null"],
        "anyOf": [{"format": "date"}, {"format": "date-time"}],
    }
