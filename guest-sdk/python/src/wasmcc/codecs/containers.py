"""Lists, optional values, dicts, tuples, and arbitrary JSON."""

import dataclasses
import enum

from .. import canonical
from .codec import Codec, Mismatch


class Array(Codec):
    """`list[T]` and `tuple[T, ...]`."""

    def __init__(self, of, make=list):
        self._of = of
        self._make = make

    def schema(self, schemas):
        return {"type": "array", "items": element(self._of, schemas)}

    def read(self, json):
        if not isinstance(json, list):
            raise Mismatch("expected an array")
        return self._make(_each(self._of.read, json))

    def write(self, value):
        if not isinstance(value, (list, tuple)):
            raise Mismatch("expected a list")
        return _each(self._of.write, value)


class Tuple(Codec):
    """`tuple[A, B]`."""

    def __init__(self, parts):
        self._parts = parts

    def schema(self, schemas):
        items = [element(part, schemas) for part in self._parts]
        return {"type": "array", "items": items, "minItems": len(items), "maxItems": len(items)}

    def read(self, json):
        return tuple(self._each(json, list, "read"))

    def write(self, value):
        return self._each(value, (list, tuple), "write")

    def _each(self, values, kinds, way):
        if not isinstance(values, kinds) or len(values) != len(self._parts):
            raise Mismatch(f"expected an array of {len(self._parts)}")
        parts = []
        for index, (part, value) in enumerate(zip(self._parts, values)):
            try:
                parts.append(getattr(part, way)(value))
            except Mismatch as mismatch:
                raise mismatch.inside(index) from None
        return parts


class Mapping(Codec):
    """`dict[str, T]`."""

    def __init__(self, of):
        self._of = of

    def schema(self, schemas):
        return {"type": "object", "additionalProperties": element(self._of, schemas)}

    def read(self, json):
        return self._each(json, self._of.read)

    def write(self, value):
        return self._each(value, self._of.write)

    def _each(self, values, convert):
        if not isinstance(values, dict):
            raise Mismatch("expected an object")
        members = {}
        for name, value in values.items():
            if not isinstance(name, str):
                raise Mismatch("expected names that are texts")
            try:
                members[name] = convert(value)
            except Mismatch as mismatch:
                raise mismatch.inside(name) from None
        return members


class Maybe(Codec):
    """`Optional[T]`. None is an empty payload. As an argument, `null` also means None, and trailing
    ones may be omitted."""

    optional = True

    def __init__(self, of):
        self.of = of

    def schema(self, schemas):
        return self.of.schema(schemas)

    def read(self, json):
        return None if json is None else self.of.read(json)

    def write(self, value):
        return None if value is None else self.of.write(value)

    def decode(self, argument):
        return None if argument in (b"", b"null") else self.of.decode(argument)

    def encode(self, value):
        return b"" if value is None else self.of.encode(value)


class Anything(Codec):
    """Any JSON: `Any`, and a result without a type."""

    def schema(self, schemas):
        return {}

    def read(self, json):
        return json

    def write(self, value):
        return plain(value)

    def encode(self, value):
        if value is None:
            return b""
        if isinstance(value, str):
            return value.encode()
        if isinstance(value, (bytes, bytearray)):
            return bytes(value)
        return super().encode(value)


class Nothing(Codec):
    """The result `None`."""

    def schema(self, schemas):
        return None

    def encode(self, value):
        if value is not None:
            raise Mismatch("expected None")
        return b""


def element(codec, schemas):
    """Returns the schema of an element, where a missing value is `null`."""
    schema = codec.schema(schemas)
    if codec.optional:
        if isinstance(schema.get("type"), str):
            schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"].append(None)
    return schema


def plain(value, left=canonical.DEPTH):
    """Converts a value without a type hint to JSON: dataclasses become objects. `left` limits the
    further levels: deeper values would exhaust a component's stack in the encoder."""
    from . import codec_of

    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return codec_of(type(value)).write(value)
    if isinstance(value, (dict, list, tuple)):
        if not left:
            raise Mismatch(canonical.TOO_DEEP)
        if isinstance(value, dict):
            return {name: plain(member, left - 1) for name, member in value.items()}
        return [plain(member, left - 1) for member in value]
    # An `IntEnum` is an int, too, but is read by its members' names.
    is_choice = isinstance(value, enum.Enum)
    if value is None or isinstance(value, (str, int, float, bool)) and not is_choice:
        return value
    codec = codec_of(type(value))
    return codec.write(value)


def read_any(data):
    """Parses any JSON."""
    return canonical.loads(data)


def _each(convert, values):
    converted = []
    for index, value in enumerate(values):
        try:
            converted.append(convert(value))
        except Mismatch as mismatch:
            raise mismatch.inside(index) from None
    return converted
