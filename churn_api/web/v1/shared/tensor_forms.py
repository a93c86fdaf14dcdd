"""What a client may send to a tensor model, in words and as JSON, and how it is read."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from flask import current_app
from numpy.typing import NDArray

from churn_api.contract.faults import Fault, FirstFaults, did_you_mean, format_choices
from churn_api.contract.feature_attributes import MAX_NAME_LENGTH
from churn_api.contract.json_size import has_longer_list, has_more_values
from churn_api.contract.number_rows import read_number_rows
from churn_api.contract.record import MAX_UNKNOWN_LISTED, InvalidRecord
from churn_api.contract.size_limits import MAX_COLUMNS, TooManyRows, TooManyValues
from churn_api.registry.tensor_card import TensorCard
from churn_api.scoring.tensor_spec import TensorSpec
from churn_api.serving.image_pixels import IMAGE_TYPES, ImagesUnsupported, ImageTooLarge, NoImage, read_pixels
from churn_api.web.core.body import FORM, read_file
from churn_api.web.core.problems import RETRY_AFTER, Problem
from churn_api.web.core.query import JSON

FEATURES, MODEL_NAME, WITH_PROBABILITIES = "features", "model_name", "return_probabilities"
PART = "file"
_MEMBERS = (FEATURES, MODEL_NAME, WITH_PROBABILITIES)


class NumberRows(NamedTuple):
    """A body with rows of numbers."""

    rows: NDArray[Any]
    with_probabilities: bool | None
    """None where the client does not say."""


def forms_in_words(card: TensorCard) -> str:
    """What a tensor model takes at the addresses of predictions."""
    forms = []
    if card.matrix is not None:
        forms.append(f'{JSON} with {{"{FEATURES}": [{card.matrix.shape[1]} numbers]}}')
    if card.image is not None:
        forms.append(f"an image ({format_choices(list(IMAGE_TYPES))}) in the part {PART!r} of {FORM}")
    named = f"tensors named {format_choices([spec.name for spec in card.inputs])} by the Open Inference Protocol"
    return " or ".join((*forms, named))


def read_row(card: TensorCard, body: bytes) -> NumberRows:
    """The row of a JSON body for a model whose one input is a matrix.

    Raises InvalidRecord with every fault, TooManyValues, Problem, or orjson.JSONDecodeError.
    """
    matrix = _matrix(card)
    payload = _payload(card, body, matrix.shape[1])
    rows, faults = read_number_rows([payload[FEATURES]], matrix.shape[1], matrix.dtype)
    return _checked(card, payload, rows, [fault._replace(path=fault.path[1:]) for fault in faults])


def read_rows(card: TensorCard, body: bytes, max_rows: int) -> NumberRows:
    """The rows of a JSON body, in the same way. Raises TooManyRows before they are parsed, too."""
    matrix = _matrix(card)
    if has_longer_list(body, max_rows):
        raise TooManyRows(max_rows)
    payload = _payload(card, body, max_rows * (matrix.shape[1] + 1))
    sent = payload[FEATURES]
    if not isinstance(sent, list) or not sent:
        return _checked(card, payload, None, [Fault("wrong-type", "Must be a list of one or more rows.")])
    return _checked(card, payload, *read_number_rows(sent, matrix.shape[1], matrix.dtype))


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


def _payload(card: TensorCard, body: bytes, values: int) -> dict[str, Any]:
    """The object in a body with so many numbers. Raises TooManyValues, Problem, or orjson.JSONDecodeError."""
    limit = values + MAX_COLUMNS
    if has_more_values(body, limit):
        raise TooManyValues(limit)
    payload = orjson.loads(body)
    if not isinstance(payload, dict) or FEATURES not in payload:
        raise _takes_no_records(card)
    return payload


def _checked(
    card: TensorCard, payload: dict[str, Any], rows: NDArray[Any] | None, faults: Sequence[Fault]
) -> NumberRows:
    found = FirstFaults()
    found.add([*_member_faults(card, payload), *(fault.under(FEATURES) for fault in faults)])
    if found.first or rows is None:
        raise InvalidRecord(found.first, found.more)
    return NumberRows(rows, payload.get(WITH_PROBABILITIES))


def _matrix(card: TensorCard) -> TensorSpec:
    if card.matrix is None:
        raise _takes_no_records(card)
    return card.matrix


def _takes_no_records(card: TensorCard) -> Problem:
    return Problem("other-kind-of-model", f"It is a tensor model, which takes {forms_in_words(card)}.")


def _member_faults(card: TensorCard, payload: Mapping[str, object]) -> list[Fault]:
    unknown = [name for name in payload if name not in _MEMBERS][:MAX_UNKNOWN_LISTED]
    faults = [
        Fault("unknown-field", "Unknown field.", did_you_mean(name, _MEMBERS), (name[:MAX_NAME_LENGTH],))
        for name in unknown
    ]
    if payload.get(MODEL_NAME, card.name) != card.name:
        faults.append(Fault("not-valid", "The address names another model.", path=(MODEL_NAME,)))
    if not isinstance(payload.get(WITH_PROBABILITIES, True), bool):
        faults.append(Fault("wrong-type", "Must be true or false.", path=(WITH_PROBABILITIES,)))
    return faults
