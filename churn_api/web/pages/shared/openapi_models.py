"""The models in the OpenAPI document: a record schema for each live model, from its card."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from churn_api.contract.batch import CUSTOMERS
from churn_api.contract.json_schema import IDENTIFIER_SCHEMA, record_json_schema
from churn_api.contract.signature import Signature
from churn_api.registry.live import LiveModels
from churn_api.registry.model_errors import ModelNotReady, UnknownModel, UnknownVersion
from churn_api.registry.tensor_card import TensorCard

RECORD, IDENTIFIER = "Record_", "Identifier"
ANY_RECORD = "AnyRecord"


class DocumentedModels(NamedTuple):
    """The models that the document describes."""

    schemas: dict[str, Any]
    """By component name: a record schema for each model, and the schemas that these share."""
    names: list[str]
    default: Signature | None
    """The default model's signature; None while it is not live."""
    default_name: str
    tensors: dict[str, TensorCard]
    """The cards of tensor models by name."""

    @property
    def example_model(self) -> str:
        """The model whose records the examples show."""
        return self.default_name if self.default is not None or not self.names else self.names[0]

    def record(self, *, named: bool) -> dict[str, Any]:
        """The schema of one customer: of any model where the path names one, else of the default model."""
        if named:
            return {"$ref": f"#/components/schemas/{ANY_RECORD}"}
        return _reference(self.default_name) if self.default is not None else {"type": "object"}

    def tensor_models(self, *, named: bool) -> list[TensorCard]:
        """The tensor models that may be asked: all of them where the path names one, else the default model."""
        return [card for name, card in self.tensors.items() if named or name == self.default_name]


def document_models(live: LiveModels) -> DocumentedModels:
    """The live models. Loads none of them."""
    taken = dict(_input_contracts(live))
    signatures = {name: contract for name, contract in taken.items() if isinstance(contract, Signature)}
    tensors = {name: contract for name, contract in taken.items() if isinstance(contract, TensorCard)}
    shared = {"$ref": f"#/components/schemas/{IDENTIFIER}"}
    schemas = {RECORD + name: record_json_schema(signature, shared) for name, signature in signatures.items()}
    if schemas:
        schemas[IDENTIFIER] = IDENTIFIER_SCHEMA
    schemas[ANY_RECORD] = _any_of(list(signatures))
    return DocumentedModels(schemas, list(signatures), signatures.get(live.default), live.default, tensors)


def batch_of(record: dict[str, Any], max_rows: int) -> dict[str, Any]:
    """The schema of many customers."""
    return {
        "type": "object",
        "required": [CUSTOMERS],
        "properties": {CUSTOMERS: {"type": "array", "minItems": 1, "maxItems": max_rows, "items": record}},
        "additionalProperties": False,
    }


def _input_contracts(live: LiveModels) -> Iterator[tuple[str, Signature | TensorCard]]:
    for name in sorted(live.served):
        try:
            yield name, live.files(name).input_contract()
        except (ModelNotReady, UnknownModel, UnknownVersion):
            continue  # unloaded, or its files broke, since the list was read


def _any_of(names: list[str]) -> dict[str, Any]:
    described = {"description": "A customer, as a record of the model that the path names."}
    match names:
        case []:
            return {"type": "object"} | described
        case [name]:
            return _reference(name) | described
        case _:
            return {"anyOf": [_reference(name) for name in names]} | described


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{RECORD}{name}"}
