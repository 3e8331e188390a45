"""JSON as a peer reads, orders and writes it: numbers are doubles, members are sorted."""

import json
import math
import re
from decimal import Decimal

from .refusal import shorten

# The range in which Go writes a number without an exponent.
_PLAIN = (1e-6, 1e21)
# Characters that Go escapes because they have a meaning in HTML.
_ESCAPED = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}
_HALF = re.compile("[\ud800-\udfff]")
_MAY_HAVE_HALVES = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
_NULL, _FALSE, _TRUE, _NUMBER, _TEXT, _ARRAY, _OBJECT = range(7)


def _finite(value):
    if math.isinf(value):
        raise ValueError("a number that is not a 64-bit float")
    return value


def _integer(text):
    try:
        float(int(text))
    except OverflowError:
        raise ValueError("a number that is not a 64-bit float") from None
    return int(text)


def _no_constant(text):
    raise ValueError(f"{text} is not JSON")


_DECODER = json.JSONDecoder(
    parse_float=lambda text: _finite(float(text)),
    parse_int=_integer,
    parse_constant=_no_constant,
)


def read(text):
    """Returns the value of a JSON text; raises `ValueError` for other texts."""
    return _whole(_DECODER.decode(text), text)


def read_first(text):
    """Returns the value at the beginning of a text and ignores the rest."""
    return _whole(_DECODER.raw_decode(text.lstrip(" \t\r\n"))[0], text)


def _whole(value, text):
    """Returns a value with U+FFFD for every unpaired surrogate, as Go reads it. Only texts with
    such an escape, or with such a character, can have one."""
    return _replaced(value) if _MAY_HAVE_HALVES.search(text) else value


def _replaced(value):
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value)
    if isinstance(value, list):
        return [_replaced(element) for element in value]
    if isinstance(value, dict):
        return {_replaced(name): _replaced(of) for name, of in value.items()}
    return value


def document_of(value):
    """Returns the object in the bytes of a value; None for other values. A byte that is not UTF-8
    counts as an unpaired surrogate."""
    try:
        document = read(value.decode("utf-8", "surrogateescape"))
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def is_number(value):
    """Returns true if a value is a number. In Python a boolean is an int, too."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_integer(value):
    """Returns true if a value is a number without fraction and exponent."""
    return is_number(value) and isinstance(value, int)


def place_of(value):
    """Returns a sort key for CouchDB's order: null, false, true, numbers, texts by their code
    points, arrays, objects."""
    if value is None:
        return (_NULL,)
    if isinstance(value, bool):
        return (_TRUE if value else _FALSE,)
    if is_number(value):
        return (_NUMBER, float(value))
    if isinstance(value, str):
        return (_TEXT, value)
    if isinstance(value, list):
        return (_ARRAY, tuple(map(place_of, value)))
    return (_OBJECT, tuple((name, place_of(of)) for name, of in sorted(value.items())))


def type_of(value):
    """Returns CouchDB's name of a value's type."""
    names = ("null", "boolean", "boolean", "number", "string", "array", "object")
    return names[place_of(value)[0]]


def write(value):
    """Returns the text of a value."""
    if isinstance(value, list):
        return f"[{','.join(map(write, value))}]"
    if isinstance(value, dict):
        members = (f"{write(name)}:{write(of)}" for name, of in sorted(value.items()))
        return f"{{{','.join(members)}}}"
    if is_number(value):
        return _number(float(value))
    return json.dumps(value, ensure_ascii=False)


def write_projection(value):
    """Returns the text of a value that a query's `fields` selected, as bytes."""
    return write(value).translate(_ESCAPED).encode()


def shown(value):
    """Returns the beginning of a value's text."""
    return shorten(write(value))


def _number(value):
    if value == 0:
        return "0"
    if _PLAIN[0] <= abs(value) < _PLAIN[1]:
        text = format(Decimal(repr(value)), "f")
        return text[:-2] if text.endswith(".0") else text
    digits, _, exponent = repr(value).partition("e")
    return f"{digits.removesuffix('.0')}e{int(exponent):+d}"
