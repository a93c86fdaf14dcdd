"""Text that is Unicode: bytes of a command line, a variable or a Python caller's may have become something else."""


def is_unicode(text: str) -> bool:
    """Whether a text can be written as UTF-8. JSON's always can; half a surrogate pair of Python's cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
