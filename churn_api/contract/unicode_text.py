"""Checks that text is valid Unicode: undecodable bytes from the environment become lone surrogates in Python."""


def is_unicode(text: str) -> bool:
    """Whether a text can be encoded as UTF-8. A lone surrogate cannot; text from JSON in UTF-8 always can."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
