"""An identifier as text."""


def identifier_text(identifier: object) -> str:
    """The text of an identifier as sent: 5 and 5.0 in JSON, which has one kind of number, are `5` in a CSV."""
    if isinstance(identifier, float) and identifier.is_integer():
        identifier = int(identifier)
    return str(identifier)
