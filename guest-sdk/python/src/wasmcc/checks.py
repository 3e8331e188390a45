"""Types of what is passed to the peer. componentize-py ends the transaction at a value of another
type; here it is an exception."""


def text(value, what):
    """A text that UTF-8 has; `what` is for the error."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be str, not {type(value).__name__}")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError(f"{what} has half a character, which UTF-8 has not") from None
    return value


def texts(values, what):
    """A list of texts. A text would be a list of letters."""
    if isinstance(values, str):
        raise TypeError(f"{what} must be a list of texts, not a text")
    return [text(value, f"each of {what}") for value in values]


def number(value, what):
    """A number of 32 bits."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{what} must be int, not {type(value).__name__}")
    if not -(1 << 31) <= value < 1 << 31:
        raise ValueError(f"{what} must have 32 bits")
    return value


def as_bytes(value, what):
    """Bytes of bytes or text."""
    if isinstance(value, str):
        return text(value, what).encode()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"{what} must be bytes or str, not {type(value).__name__}")


def readable(value):
    """A text for people, whatever is in it."""
    return str(value).encode("utf-8", "backslashreplace").decode()
