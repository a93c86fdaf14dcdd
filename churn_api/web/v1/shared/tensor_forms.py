"""What a client may send to a tensor model, in words and as JSON, and how it is read."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from flask import current_app
from numpy.typing import NDArray

from churn_api.contract.faults import Fault, did_you_mean, format_choices
from churn_api.contract.json_size import has_more_values
from churn_api.contract.number_rows import read_number_rows
from churn_api.contract.record import InvalidRecord
from churn_api.contract.size_limits import MAX_COLUMNS, TooManyMembers
from churn_api.registry.tensor_card import TensorCard
from churn_api.scoring.tensor_spec import TensorSpec
from churn_api.serving.image_pixels import IMAGE_TYPES, ImagesUnsupported, ImageTooLarge, NoImage, read_pixels
from churn_api.web.core.body import FORM, read_file
from churn_api.web.core.problems import RETRY_AFTER, Problem
from churn_api.web.core.query import JSON

FEATURES, MODEL_NAME, WITH_PROBABILITIES = "features", "model_name", "return_probabilities"
PART = "file"
_MEMBERS = (FEATURES, MODEL_NAME, WITH_PROBABILITIES)
_FEW_VALUES = 16
"""Values of a body beside its numbers."""


class NumberRow(NamedTuple):
    """A body with the numbers of one row."""

    rows: NDArray[Any]
    with_probabilities: bool


def forms_in_words(card: TensorCard) -> str:
    """What a tensor model takes at the addresses of predictions."""
    forms = []
    if card.matrix is not None:
        forms.append(f'{JSON} with {{"{FEATURES}": [{card.matrix.shape[1]} numbers]}}')
    if card.image is not None:
        forms.append(f"an image ({format_choices(list(IMAGE_TYPES))}) in the part {PART!r} of {FORM}")
    named = f"tensors named {format_choices([spec.name for spec in card.inputs])} by the Open Inference Protocol"
    return " or ".join((*forms, named))


def read_number_row(card: TensorCard, body: bytes) -> NumberRow:
    """The row of a JSON body for a model whose one input is a matrix.

    Raises InvalidRecord with every fault, TooManyMembers, Problem, or orjson.JSONDecodeError.
    """
    matrix = _matrix(card)
    if has_more_values(body, matrix.shape[1] + _FEW_VALUES) and has_more_values(body, MAX_COLUMNS):
        raise TooManyMembers(MAX_COLUMNS)
    payload = orjson.loads(body)
    if not isinstance(payload, dict) or FEATURES not in payload:
        raise _takes_no_records(card)
    faults = [*_member_faults(payload)]
    rows, wrong = read_number_rows([payload[FEATURES]], matrix.shape[1], matrix.dtype)
    faults += [fault._replace(path=(FEATURES, *fault.path[1:])) for fault in wrong]
    if faults or rows is None:
        raise InvalidRecord(faults)
    return NumberRow(rows, payload.get(WITH_PROBABILITIES, True))


def read_image(card: TensorCard) -> NDArray[Any]:
    """The tensor of the image in a form. Raises Problem."""
    if card.image is None:
        raise Problem("unsupported-media-type", f"The model takes {forms_in_words(card)}.", accepted=[JSON])
    file = read_file(PART, current_app.config["MAX_CONTENT_LENGTH"])
    if file.mimetype not in (*IMAGE_TYPES, "application/octet-stream"):
        raise Problem("unsupported-media-type", "The file is no image that is read.", accepted=[*IMAGE_TYPES])
    try:
        pixels = read_pixels(file.read(), card.image)
    except NoImage as error:
        raise Problem("malformed-image", f"{error}.".capitalize()) from error
    except ImageTooLarge as error:
        raise Problem("too-large", f"{error}.".capitalize()) from error
    except ImagesUnsupported as error:
        headers = {"Retry-After": str(RETRY_AFTER)}
        raise Problem("dependency-unavailable", f"{error}.".capitalize(), headers=headers, part="images") from error
    return card.image.tensor(pixels, card.inputs[0])


def _matrix(card: TensorCard) -> TensorSpec:
    if card.matrix is None:
        raise _takes_no_records(card)
    return card.matrix


def _takes_no_records(card: TensorCard) -> Problem:
    return Problem("other-kind-of-model", f"It is a tensor model, which takes {forms_in_words(card)}.")


def _member_faults(payload: Mapping[str, object]) -> list[Fault]:
    unknown = [name for name in payload if name not in _MEMBERS]
    faults = [Fault("unknown-field", "Unknown field.", did_you_mean(name, _MEMBERS), (name,)) for name in unknown]
    if not isinstance(payload.get(MODEL_NAME, ""), str):
        faults.append(Fault("wrong-type", "Must be a string.", path=(MODEL_NAME,)))
    if not isinstance(payload.get(WITH_PROBABILITIES, True), bool):
        faults.append(Fault("wrong-type", "Must be true or false.", path=(WITH_PROBABILITIES,)))
    return faults
