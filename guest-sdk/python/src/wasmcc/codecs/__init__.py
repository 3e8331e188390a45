"""Encodes values as arguments and results: the conventions of Fabric's contract API.

Text and bytes are sent unchanged. Numbers, booleans and enums become text. All other values are
JSON. A missing value is an empty payload. Equal values always have the same bytes; sets have no
order, so they are not supported.
"""

import dataclasses
import datetime
import enum
import functools
import types
import typing

from .. import canonical
from ..errors import ContractError, Defect
from ..timestamp import Timestamp
from .codec import Codec, Mismatch
from .containers import Anything, Array, Mapping, Maybe, Nothing, Tuple, plain
from .objects import Object, description_of, member
from .text import Boolean, Bytes, Choice, Float, Integer, Moment, OneOf, Text

__all__ = [
    "Codec",
    "Mismatch",
    "Text",
    "Anything",
    "codec_of",
    "codec_and_words",
    "description_of",
    "member",
    "read_json",
    "write_json",
]

_SCALARS = {
    str: Text(),
    int: Integer(),
    float: Float(),
    bool: Boolean(),
    bytes: Bytes(),
    datetime.datetime: Moment(True),
    Timestamp: Moment(False),
    typing.Any: Anything(),
    None: Nothing(),
    type(None): Nothing(),
    list: Array(Anything()),
    tuple: Array(Anything(), tuple),
    dict: Mapping(Anything()),
}
_UNIONS = (typing.Union, getattr(types, "UnionType", typing.Union))


def codec_and_words(hint, where, is_strict=True):
    """Returns the codec of a hint and the description in an `Annotated`. `where` is for errors."""
    words = ""
    if typing.get_origin(hint) is typing.Annotated:
        hint, *notes = typing.get_args(hint)
        words = next((note for note in notes if isinstance(note, str)), "")
    try:
        return codec_of(hint, is_strict), words
    except Defect as defect:
        raise Defect(f"{where}: {defect}") from None


def codec_of(hint, is_strict=True):
    """Returns the codec of a type; raises `Defect` for a type that a transaction cannot have. A
    strict codec refuses unknown members of objects."""
    try:
        hash(hint)
    except TypeError:
        # The other notes of an `Annotated` may be anything.
        return _composed(hint, is_strict)
    return _known(hint, is_strict)


@functools.lru_cache(maxsize=None)
def _known(hint, is_strict):
    return _SCALARS[hint] if hint in _SCALARS else _composed(hint, is_strict)


def _composed(hint, is_strict):
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (list, dict, tuple) and not args:
        return _SCALARS[origin]
    if origin is typing.Annotated:
        return codec_of(args[0], is_strict)
    if origin in _UNIONS:
        return _maybe(hint, args, is_strict)
    if origin is list:
        return Array(codec_of(args[0], is_strict))
    if origin is tuple:
        if len(args) == 2 and args[1] is ...:
            return Array(codec_of(args[0], is_strict), tuple)
        return Tuple([codec_of(arg, is_strict) for arg in args])
    if origin is dict:
        if args[0] is not str:
            raise Defect(f"{_name(hint)} has keys that are not str, which JSON cannot have")
        return Mapping(codec_of(args[1], is_strict))
    if origin is typing.Literal:
        if not all(isinstance(arg, str) for arg in args):
            raise Defect(f"{_name(hint)} has other values than texts")
        return OneOf(args)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return Choice(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return Object(hint, is_strict)
    if hint in (set, frozenset) or origin in (set, frozenset):
        raise Defect(f"{_name(hint)} has no order, and endorsers must agree: use a list")
    raise Defect(
        f"{_name(hint)} cannot be a parameter or a result of a transaction: use str, int, float, "
        "bool, bytes, datetime, list, tuple, dict, Optional, Enum or a dataclass"
    )


def _maybe(hint, args, is_strict):
    others = [arg for arg in args if arg is not type(None)]
    if len(others) == 1 and len(args) == 2:
        return Maybe(codec_of(others[0], is_strict))
    raise Defect(f"{_name(hint)} is one of several types; only Optional can be")


def _name(hint):
    return hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)


def read_json(data, hint=None, what="value"):
    """Parses JSON as a value of the type `hint`, or of any type. Members that a dataclass does not
    have are ignored: a later version of the contract may have written them."""
    try:
        json = canonical.loads(data)
        return json if hint is None else codec_of(hint, False).read(json)
    except (ValueError, Mismatch) as error:
        raise ContractError(f"{what}: {error}") from None


def write_json(value, hint=None):
    """Returns the canonical JSON of a value, as bytes: sorted members, no blanks."""
    try:
        return canonical.dumps(plain(value) if hint is None else codec_of(hint).write(value))
    except (Mismatch, Defect) as reason:
        raise canonical.refusal(reason) from None
    except RecursionError:
        raise canonical.refusal(canonical.TOO_DEEP) from None
