"""Conditions on one value. CouchDB: `mango_selector:match/3`."""

from . import pattern
from .documents import is_integer, is_number, place_of, shown, type_of
from .refusal import refusal, shorten

_COMPARE = {
    "$lt": lambda value, other: value < other,
    "$lte": lambda value, other: value <= other,
    "$eq": lambda value, other: value == other,
    "$ne": lambda value, other: value != other,
    "$gte": lambda value, other: value >= other,
    "$gt": lambda value, other: value > other,
}
_NOT_SUPPORTED = ("$text", "$where", "$geoWithin", "$geoIntersects", "$near", "$nearSphere")
# From here on a peer treats all numbers as integers.
_INTEGERS = 9.2e18


def checked(operator, argument, place):
    """Returns the argument of an operator, ready for `holds`."""
    if operator in _NOT_SUPPORTED:
        raise refusal("not_supported", f"Unsupported operator: {operator} (at {place})")
    if operator not in _COMPARE and operator not in _TAKES:
        reason = f"Invalid operator: {shorten(operator)} (at {place})"
        raise refusal("invalid_operator", reason)
    if operator in _TAKES and not _TAKES[operator](argument):
        reason = f"Bad argument for operator {operator}: {shown(argument)} (at {place})"
        raise refusal("bad_arg", reason)
    return pattern.compiled(argument) if operator == "$regex" else argument


def holds(operator, argument, value):
    """Returns true if a condition holds for a value."""
    if operator in _COMPARE:
        return _COMPARE[operator](place_of(value), place_of(argument))
    return _HOLDS[operator](argument, value)


def _is_list(argument):
    return isinstance(argument, list)


def _is_text(argument):
    return isinstance(argument, str)


def _is_mod(argument):
    is_pair = isinstance(argument, list) and len(argument) == 2
    return is_pair and all(map(_is_whole, argument)) and argument[0] != 0


def _is_whole(number):
    return is_integer(number) and abs(number) < _INTEGERS


# The accepted arguments of operators that do not accept everything.
_TAKES = {
    "$in": _is_list,
    "$nin": _is_list,
    "$all": _is_list,
    "$exists": lambda argument: isinstance(argument, bool),
    "$type": _is_text,
    "$size": lambda argument: is_integer(argument) and argument >= 0,
    "$mod": _is_mod,
    "$regex": _is_text,
    "$beginsWith": _is_text,
}


def _is_in(others, value):
    # For an array, its elements are compared, not the array itself.
    values = value if isinstance(value, list) else [value]
    return not {*map(place_of, values)}.isdisjoint(map(place_of, others))


def _has_all(wanted, value):
    if not isinstance(value, list):
        return False
    if wanted and {*map(place_of, wanted)} <= {*map(place_of, value)}:
        return True
    is_whole = len(wanted) == 1 and isinstance(wanted[0], list)
    return is_whole and place_of(value) == place_of(wanted[0])


def _mod(argument, value):
    # 4.0 is 4, since numbers are doubles.
    if not is_number(value) or not float(value).is_integer() or abs(value) >= _INTEGERS:
        return False
    # As in C, the remainder has the sign of the value.
    rest = abs(int(float(value))) % abs(argument[0])
    return (rest if value >= 0 else -rest) == argument[1]


def _elements(value):
    return value if isinstance(value, list) else ()


_HOLDS = {
    "$in": _is_in,
    "$nin": lambda others, value: not _is_in(others, value),
    "$all": _has_all,
    "$exists": lambda exists, value: exists,
    "$type": lambda name, value: type_of(value) == name,
    "$size": lambda size, value: isinstance(value, list) and len(value) == size,
    "$mod": _mod,
    "$regex": lambda regular, value: isinstance(value, str) and bool(regular.search(value)),
    "$beginsWith": lambda text, value: isinstance(value, str) and value.startswith(text),
    "$elemMatch": lambda inner, value: any(inner.matches(None, one) for one in _elements(value)),
    "$allMatch": lambda inner, value: (
        bool(_elements(value)) and all(inner.matches(None, one) for one in value)
    ),
    "$keyMapMatch": lambda inner, value: (
        isinstance(value, dict) and any(inner.matches(None, name) for name in value)
    ),
}
