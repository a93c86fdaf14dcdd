"""A body that is a file, in the OpenAPI document."""

from typing import Any

from churn_api.tables.formats import FORMATS
from churn_api.web.pages.shared import openapi_examples as examples

FILE = {"type": "string", "format": "binary"}
_BINARY = ("image/png",)


def file_content(media_type: str, content: str | list[dict[str, Any]]) -> dict[str, Any]:
    """The media type object of a file: an example for text formats, a description for binary ones."""
    known = next((known for known in FORMATS.values() if known.media_type == media_type), None)
    schema = FILE if known and known.binary else {"type": "string"}
    if known and known.binary:
        schema = schema | {"description": examples.binary_description(known, content)}
    elif known:
        schema = schema | {"description": f"{known.title}."}
    return {"schema": schema} | examples.text_example(media_type, content)


def other_file_content(media_type: str, words: str) -> dict[str, Any]:
    """The media type object of a file that is no table: `words` is an example of a text, or describes a binary one."""
    if media_type in _BINARY:
        return {"schema": FILE | {"description": words}}
    return {"schema": {"type": "string"}, "example": words}
