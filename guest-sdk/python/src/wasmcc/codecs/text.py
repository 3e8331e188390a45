"""Values that are encoded as plain text.

Texts are parsed as in fabric-contract-api-go (internal/types/types.go): an empty text is the zero
value, booleans are those of Go's `strconv.ParseBool`, numbers are decimal and finite.
"""

import base64
import binascii
import datetime
import enum
import math
import re

from ..errors import ContractError
from ..timestamp import Timestamp
from .codec import Codec, Mismatch, shown, utf8

_INTEGER = re.compile("[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_TRUE = (b"1", b"t", b"T", b"true", b"TRUE", b"True")
_FALSE = (b"0", b"f", b"F", b"false", b"FALSE", b"False", b"")


class Text(Codec):
    """`str`."""

    def schema(self, schemas):
        return {"type": "string"}

    def read(self, json):
        if not isinstance(json, str):
            raise Mismatch("expected a string")
        return json

    write = read

    def decode(self, argument):
        return utf8(argument)

    def encode(self, value):
        try:
            return self.read(value).encode()
        except UnicodeEncodeError:
            raise Mismatch("a text with half a character") from None


class Integer(Codec):
    """`int`, of any size."""

    def schema(self, schemas):
        return {"type": "integer"}

    def read(self, json):
        if not isinstance(json, int) or isinstance(json, bool):
            raise Mismatch("expected an integer")
        return json

    write = read

    def decode(self, argument):
        if not argument:
            return 0
        text = argument.decode("utf-8", "replace")
        try:
            if _INTEGER.fullmatch(text):
                return int(text)
        except ValueError:
            pass  # More digits than Python parses.
        raise Mismatch(f"{shown(argument)} is not an int")

    def encode(self, value):
        return str(self.read(value)).encode()


class Float(Codec):
    """`float`."""

    def schema(self, schemas):
        return {"type": "number", "format": "double"}

    def read(self, json):
        if not isinstance(json, (int, float)) or isinstance(json, bool):
            raise Mismatch("expected a number")
        try:
            number = float(json)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise Mismatch("expected a finite number")
        return number

    write = read

    def decode(self, argument):
        if not argument:
            return 0.0
        text = argument.decode("utf-8", "replace")
        if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
            return float(text)
        raise Mismatch(f"{shown(argument)} is not a float")

    def encode(self, value):
        text = repr(self.read(value))
        # Written as Go and Rust do.
        return text.removesuffix(".0").encode()


class Boolean(Codec):
    """`bool`."""

    def schema(self, schemas):
        return {"type": "boolean"}

    def read(self, json):
        if not isinstance(json, bool):
            raise Mismatch("expected true or false")
        return json

    write = read

    def decode(self, argument):
        if argument in _TRUE:
            return True
        if argument in _FALSE:
            return False
        raise Mismatch(f"{shown(argument)} is not a bool")

    def encode(self, value):
        return b"true" if self.read(value) else b"false"


class Bytes(Codec):
    """`bytes`: unchanged in arguments and results, base64 within JSON."""

    def schema(self, schemas):
        return {"type": "string", "format": "byte"}

    def read(self, json):
        if not isinstance(json, str):
            raise Mismatch("expected a string of base64")
        try:
            return base64.b64decode(json, validate=True)
        except (binascii.Error, ValueError):
            raise Mismatch("expected a string of base64") from None

    def write(self, value):
        return base64.b64encode(self.encode(value)).decode()

    def decode(self, argument):
        return bytes(argument)

    def encode(self, value):
        if not isinstance(value, (bytes, bytearray)):
            raise Mismatch("expected bytes")
        return bytes(value)


class AsText(Codec):
    """A type that is also a text in JSON."""

    def decode(self, argument):
        return self.read(utf8(argument))

    def encode(self, value):
        return self.write(value).encode()


class Moment(AsText):
    """`datetime` and `Timestamp`, as RFC 3339."""

    def __init__(self, is_datetime):
        self._is_datetime = is_datetime

    def schema(self, schemas):
        return {"type": "string", "format": "date-time"}

    def read(self, json):
        if not isinstance(json, str):
            raise Mismatch("expected a string")
        try:
            time = Timestamp.parse(json)
            return time.datetime() if self._is_datetime else time
        except (ContractError, OverflowError) as error:
            raise Mismatch(str(error)) from None

    def write(self, value):
        try:
            if isinstance(value, datetime.datetime):
                value = Timestamp.of(value)
            if isinstance(value, Timestamp):
                return str(value)
        except (ValueError, OverflowError) as error:
            raise Mismatch(str(error)) from None
        raise Mismatch("expected a time")


class Choice(AsText):
    """An `Enum`: by the values of its members if all are texts, otherwise by their names."""

    def __init__(self, of):
        by_value = all(isinstance(member.value, str) for member in of)
        self._members = {member.value if by_value else member.name: member for member in of}
        self._names = {member: name for name, member in self._members.items()}

    def schema(self, schemas):
        return {"type": "string", "enum": list(self._members)}

    def read(self, json):
        if not isinstance(json, str) or json not in self._members:
            raise Mismatch("expected one of " + ", ".join(self._members))
        return self._members[json]

    def write(self, value):
        if not isinstance(value, enum.Enum) or value not in self._names:
            raise Mismatch("expected one of " + ", ".join(self._members))
        return self._names[value]


class OneOf(AsText):
    """A `Literal` of texts."""

    def __init__(self, texts):
        self._texts = texts

    def schema(self, schemas):
        return {"type": "string", "enum": list(self._texts)}

    def read(self, json):
        if json not in self._texts:
            raise Mismatch("expected one of " + ", ".join(self._texts))
        return json

    write = read
