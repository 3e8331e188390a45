"""Dataclasses: objects with one member for each field."""

import dataclasses
import inspect
import typing

from ..errors import ContractError, Defect
from .codec import Codec, Mismatch, begin_of

_NAME = "wasmcc.name"
_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def member(name, **options):
    """Declares a dataclass field with another name in JSON: `id: str = member("ID")`. Options are
    those of `dataclasses.field`."""
    return dataclasses.field(metadata={_NAME: name}, **options)


class Object(Codec):
    """A dataclass. Members that are None are omitted."""

    def __init__(self, of, is_strict):
        self._of = of
        self._is_strict = is_strict
        self._fields = None

    @property
    def _all(self):
        # A class may contain itself, so its fields are resolved later.
        if self._fields is None:
            self._fields = _fields(self._of, self._is_strict)
        return self._fields

    def schema(self, schemas):
        return schemas.refer(self._of, self._described)

    def _described(self, schemas):
        properties, required = {}, []
        for field in self._all:
            schema = field.codec.schema(schemas)
            if field.words:
                schema["description"] = field.words
            properties[field.name] = schema
            if field.required:
                required.append(field.name)
            if not field.is_given:
                schema["readOnly"] = True
        schema = {"type": "object", "properties": properties, "additionalProperties": False}
        if required:
            schema["required"] = required
        words = description_of(self._of)
        if words:
            schema["description"] = words
        return schema

    def read(self, json):
        if not isinstance(json, dict):
            raise Mismatch("expected an object")
        members, made, known = {}, {}, set()
        for field in self._all:
            known.add(field.name)
            if field.name not in json:
                if field.required:
                    raise Mismatch(f"member {field.name} is missing")
                if field.is_given and not field.has_default:
                    members[field.attribute] = None
                continue
            if self._is_strict and not field.is_given:
                raise Mismatch(f"member {field.name} cannot be set: the contract computes it")
            into = members if field.is_given else made
            try:
                into[field.attribute] = field.codec.read(json[field.name])
            except Mismatch as mismatch:
                raise mismatch.inside(field.name) from None
        for name in json:
            if self._is_strict and name not in known:
                raise Mismatch(f"unknown member {begin_of(name, 32)}")
        try:
            value = self._of(**members)
        except ContractError:
            raise
        except ValueError as error:
            # The class checks its own values.
            raise Mismatch(str(error)) from None
        for attribute, of_field in made.items():
            # The class may be frozen.
            object.__setattr__(value, attribute, of_field)
        return value

    def write(self, value):
        if not isinstance(value, self._of):
            raise Mismatch(f"expected a value of the class {self._of.__name__}")
        members = {}
        for field in self._all:
            of_field = getattr(value, field.attribute)
            if of_field is None and field.codec.optional:
                continue
            try:
                members[field.name] = field.codec.write(of_field)
            except Mismatch as mismatch:
                raise mismatch.inside(field.name) from None
        return members


@dataclasses.dataclass(frozen=True)
class _Field:
    attribute: str
    name: str
    codec: Codec
    required: bool
    has_default: bool
    # True if it is an argument of the class. `field(init=False)` is not: the class sets it.
    is_given: bool
    words: str


def _fields(of, is_strict):
    from . import codec_and_words

    try:
        hints = typing.get_type_hints(of, include_extras=True)
    except NameError as error:
        raise Defect(f"a type of {of.__name__} is unknown: {error}") from None
    fields = []
    for field in dataclasses.fields(of):
        where = f"{of.__name__}.{field.name}"
        codec, words = codec_and_words(hints[field.name], where, is_strict)
        missing = dataclasses.MISSING
        has_default = field.default is not missing or field.default_factory is not missing
        required = field.init and not has_default and not codec.optional
        name = field.metadata.get(_NAME, field.name)
        fields.append(_Field(field.name, name, codec, required, has_default, field.init, words))
    given = [field.attribute for field in fields if field.is_given]
    for parameter in inspect.signature(of).parameters.values():
        is_needed = parameter.default is parameter.empty and parameter.kind not in _VARIABLE
        if is_needed and parameter.name not in given:
            raise Defect(
                f"{of.__name__}.{parameter.name} is not a field, and the class cannot be made "
                "without it: give it a default"
            )
    names = [field.name for field in fields]
    for name in names:
        if names.count(name) > 1:
            raise Defect(f"two fields of {of.__name__} are the member {name}")
    return fields


def description_of(of):
    """Returns the first paragraph of a docstring, except for the one that dataclasses generate."""
    words = (of.__doc__ or "").strip()
    if dataclasses.is_dataclass(of) and words.startswith(f"{of.__name__}("):
        return ""
    return " ".join(words.split("\n\n")[0].split())
