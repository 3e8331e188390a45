"""Selectors. CouchDB: `mango_selector.erl`.

Parsing normalizes a selector: it joins names of nested fields, and moves negations down to the
conditions. So a condition on a missing field never holds, negated or not, except `"$exists":
false`. Within `$elemMatch`, `$allMatch` and `$keyMapMatch` negations are not moved.
"""

from dataclasses import dataclass

from . import field
from .condition import checked, holds
from .documents import shown
from .refusal import refusal, shorten

# Maximum depth of selectors and conditions.
_MAX_DEPTH = 64
_LISTS = ("$and", "$or", "$nor")
_NEGATED = {
    "$lt": "$gte",
    "$lte": "$gt",
    "$eq": "$ne",
    "$ne": "$eq",
    "$gte": "$lt",
    "$gt": "$lte",
    "$in": "$nin",
    "$nin": "$in",
}
_EQUAL = {"$eq": False, "$in": False, "$ne": True, "$nin": True}
_ELEMENTS = ("$elemMatch", "$allMatch", "$keyMapMatch")


@dataclass(frozen=True)
class All:
    """All of these; without parts, every document."""

    parts: tuple

    def matches(self, key, value):
        """Returns true if a document matches."""
        return all(part.matches(key, value) for part in self.parts)


@dataclass(frozen=True)
class Any:
    """One of these; without parts, no document."""

    parts: tuple

    def matches(self, key, value):
        """Returns true if a document matches."""
        return any(part.matches(key, value) for part in self.parts)


@dataclass(frozen=True)
class Field:
    """A condition on the value at a path; an empty path is the document itself."""

    path: tuple
    operator: str
    argument: object
    is_negated: bool = False

    def matches(self, key, value):
        """Returns true if a document matches."""
        if not self.path and key is not None and self.operator in _EQUAL:
            # CouchDB's document also has its key and version, so it never equals a value of the
            # query.
            return _EQUAL[self.operator]
        found = field.find(self.path, key, value)
        if found is field.MISSING:
            return self.operator == "$exists" and self.argument is False
        if found is field.BAD_PATH:
            return False
        return holds(self.operator, self.argument, found) != self.is_negated


@dataclass(frozen=True)
class Not:
    """Documents that do not match the only part. Only within `$elemMatch` and the like."""

    parts: tuple

    def matches(self, key, value):
        """Returns true if a document matches."""
        return not self.parts[0].matches(key, value)


@dataclass(frozen=True)
class _Place:
    """The position of a part of a selector; `text` quotes it from the query."""

    text: str
    path: tuple = ()
    is_negated: bool = False
    depth: int = 0
    # True within `$elemMatch` and the like, where conditions apply to the value itself.
    in_element: bool = False

    def below(self, name, **changes):
        """Returns the position of a part of this one."""
        own = {**vars(self), "text": f"{self.text}.{shorten(name)}", "depth": self.depth + 1}
        return _Place(**{**own, **changes})


def parse(selector, name="selector"):
    """Parses a selector; `name` is its name in error texts."""
    if not isinstance(selector, dict):
        reason = f"Selector must be a JSON object, not: {shown(selector)} (at {name})"
        raise refusal("invalid_selector_json", reason)
    if not selector:
        return All(())
    parsed = _selector(selector, _Place(name))
    if isinstance(parsed, Field) and not parsed.path:
        reason = f"One or more conditions is missing a field name. (at {name})"
        raise refusal("invalid_selector", reason)
    # CouchDB treats an empty list as true everywhere but here.
    return Any(()) if parsed == All(()) else parsed


def _selector(json, place):
    if place.depth > _MAX_DEPTH:
        reason = f"it is more than {_MAX_DEPTH} deep (at {place.text})"
        raise refusal("invalid_selector", reason)
    if not isinstance(json, dict) or not json:
        return _leaf("$eq", json, place)
    parts = [_member(name, argument, place) for name, argument in sorted(json.items())]
    return parts[0] if len(parts) == 1 else _combined(parts, True, place)


def _member(name, argument, place):
    below = place.below(name)
    if name in ("$nor", "$not"):
        below = place.below(name, is_negated=not place.is_negated)
    if name in _LISTS:
        if not isinstance(argument, list):
            raise _bad(name, argument, below)
        parts = [
            _selector(part, below.below(str(number))) for number, part in enumerate(argument)
        ]
        return _combined(parts, name == "$and", below)
    if name == "$not":
        if not isinstance(argument, dict):
            raise _bad(name, argument, below)
        if place.in_element:
            return Not((_selector(argument, place.below(name)),))
        return _selector(argument, below)
    if not name.startswith("$"):
        path = field.parse(name, place.path)
        return _selector(argument, place.below(name, path=path))
    if name in _ELEMENTS:
        if not isinstance(argument, dict):
            raise _bad(name, argument, below)
        # A negation around it is not moved inside.
        inner = below.below(name, path=(), is_negated=False, in_element=True, text=below.text)
        selector = _selector(argument, inner)
        # CouchDB does not support `$nor` there: an internal error makes it match nothing.
        return _leaf(name, Any(()) if _has_nor(argument) else selector, below)
    return _leaf(name, checked(name, argument, below.text), below)


def _has_nor(selector):
    """Returns true if a selector has a `$nor`, except within the elements below it."""
    if not isinstance(selector, dict):
        return False
    for name, argument in selector.items():
        if name in ("$and", "$or"):
            below = argument
        else:
            below = [] if name.startswith("$") and name != "$not" else [argument]
        if name == "$nor" or any(_has_nor(part) for part in below):
            return True
    return False


def _combined(parts, is_all, place):
    """Applies De Morgan's rule."""
    if is_all != place.is_negated or not parts:
        return All(tuple(parts))
    return Any(tuple(parts))


def _leaf(operator, argument, place):
    if not place.is_negated:
        return Field(place.path, operator, argument)
    if operator == "$exists":
        return Field(place.path, operator, not argument)
    if operator in _NEGATED:
        return Field(place.path, _NEGATED[operator], argument)
    return Field(place.path, operator, argument, True)


def _bad(operator, argument, place):
    reason = f"Bad argument for operator {operator}: {shown(argument)} (at {place.text})"
    return refusal("bad_arg", reason)
