"""Predictions as tensors: an output for each of their columns, and the metadata of a model's inputs and outputs."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from churn_api.contract.feature_attributes import IDENTIFIER, FeatureType
from churn_api.contract.identifier_text import identifier_text
from churn_api.contract.signature import Signature
from churn_api.scoring.output import COLUMNS, PROBABILITY, Column
from churn_api.serving.answer import Answer, version_columns
from churn_api.web.protocols.shared.explanation_objects import explanation_objects
from churn_api.web.protocols.shared.inference_response import TensorOutput
from churn_api.web.protocols.shared.tensor_datatypes import BOOL, BYTES, FP64, INT64

REASONS = "reasons"
"""The output with the reasons of each prediction, as the text of a JSON object."""
_DATATYPES: Mapping[FeatureType, str] = {
    "integer": INT64,
    "number": FP64,
    "boolean": BOOL,
    "string": BYTES,
    "date": BYTES,
}
_ANY_ROWS = [-1]
_OUTPUTS = (PROBABILITY, *(column for column in COLUMNS if column is not PROBABILITY))


def input_metadata(signature: Signature) -> list[dict[str, Any]]:
    """The metadata of a model's inputs, in the signature's order."""
    return [_metadata(feature.name, _DATATYPES[feature.type]) for feature in signature.features]


def output_metadata() -> list[dict[str, Any]]:
    """The metadata of a model's outputs."""
    return [_metadata(column.name, _datatype(column)) for column in _OUTPUTS]


def output_names(*, identified: bool, explained: bool) -> list[str]:
    """The names of the outputs of a prediction, in order."""
    names = [column.name for column in _OUTPUTS]
    return [*([IDENTIFIER] if identified else []), *names, *([REASONS] if explained else [])]


def prediction_tensors(answer: Answer) -> dict[str, TensorOutput]:
    """Every output of n predictions by name, each of shape (n,)."""
    shape = (len(answer.identifiers),)
    # Texts, since one tensor has one type: clients of the protocol expect neither null nor numbers among them.
    tensors = [
        TensorOutput(
            IDENTIFIER, BYTES, shape, ["" if sent is None else identifier_text(sent) for sent in answer.identifiers]
        )
    ]
    for column in _OUTPUTS:
        computed = answer.columns[column.name]
        elements = column.values(computed) if column.labels else np.asarray(computed)
        tensors.append(TensorOutput(column.name, _datatype(column), shape, elements))
    if answer.explained is not None:
        texts = [msgspec.json.encode(reasons).decode() for reasons in explanation_objects(answer)]
        tensors.append(TensorOutput(REASONS, BYTES, shape, texts))
    return {tensor.name: tensor for tensor in tensors}


def version_tensors(answer: Answer) -> dict[str, TensorOutput]:
    """By which version each of n predictions was made; none while no experiment runs."""
    return {
        name: TensorOutput(name, BYTES if isinstance(values[0], str) else FP64, (len(values),), values)
        for name, values in version_columns(answer).items()
        if values
    }


def _metadata(name: str, datatype: str) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": _ANY_ROWS}


def _datatype(column: Column) -> str:
    if column.labels:
        return BYTES
    return FP64 if np.issubdtype(column.dtype, np.floating) else INT64
