"""Checks types of values for the peer. componentize-py would end the transaction at a value of
another type; here it is an exception."""


def text(value, what):
    """Returns a text that UTF-8 can encode; `what` is its name in errors."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be str, not {type(value).__name__}")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError(f"{what} has an unpaired surrogate, so it is not Unicode") from None
    return value


def texts(values, what):
    """Returns a list of texts. A single text is refused: it would be a list of letters."""
    if isinstance(values, str):
        raise TypeError(f"{what} must be a list of texts, not a text")
    return [text(value, f"each of {what}") for value in values]


def number(value, what):
    """Returns a number of 32 bits."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{what} must be int, not {type(value).__name__}")
    if not -(1 << 31) <= value < 1 << 31:
        raise ValueError(f"{what} must have 32 bits")
    return value


def as_bytes(value, what):
    """Returns bytes of bytes or text."""
    if isinstance(value, str):
        return text(value, what).encode()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"{what} must be bytes or str, not {type(value).__name__}")


def readable(value):
    """Returns a human-readable text of any value."""
    return str(value).encode("utf-8", "backslashreplace").decode()
