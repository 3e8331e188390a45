"""CouchDB's selectors, as far as contracts mostly use them."""

import json
import re


class Unsupported(Exception):
    """The mock ledger does not know this part of a query."""


def run(query, rows):
    """The rows whose JSON matches a query, in the order of their keys or as `sort` says."""
    try:
        query = json.loads(query)
        condition = query["selector"]
    except (ValueError, KeyError, TypeError):
        raise Unsupported("a rich query is JSON with a selector") from None
    unknown = set(query) - {"selector", "sort", "limit", "use_index", "fields"}
    if unknown:
        raise Unsupported(f"the mock ledger knows no {sorted(unknown)[0]} in a query")
    found = []
    for key, value in rows:
        try:
            document = json.loads(value)
        except ValueError:
            continue
        if isinstance(document, dict) and _matches(document, condition):
            found.append((document, (key, value)))
    for field in reversed(query.get("sort", [])):
        name, way = next(iter(field.items())) if isinstance(field, dict) else (field, "asc")
        found.sort(key=lambda one: str(_field(one[0], name)), reverse=way == "desc")
    return [row for _, row in found][: query.get("limit")]


_MISSING = object()
_COMPARE = {
    "$eq": lambda value, with_: value == with_,
    "$ne": lambda value, with_: value != with_,
    "$gt": lambda value, with_: _like(value, with_) and value > with_,
    "$gte": lambda value, with_: _like(value, with_) and value >= with_,
    "$lt": lambda value, with_: _like(value, with_) and value < with_,
    "$lte": lambda value, with_: _like(value, with_) and value <= with_,
    "$in": lambda value, with_: value in with_,
    "$nin": lambda value, with_: value not in with_,
    "$regex": lambda value, with_: isinstance(value, str) and bool(re.search(with_, value)),
}


def _matches(document, condition):
    return all(_holds(document, name, with_) for name, with_ in condition.items())


def _holds(document, name, with_):
    if name == "$and":
        return all(_matches(document, one) for one in with_)
    if name == "$or":
        return any(_matches(document, one) for one in with_)
    if name == "$nor":
        return not any(_matches(document, one) for one in with_)
    if name == "$not":
        return not _matches(document, with_)
    if name.startswith("$"):
        raise Unsupported(f"the mock ledger knows no {name} in a selector")
    value = _field(document, name)
    if not isinstance(with_, dict):
        return value == with_
    if not all(key.startswith("$") for key in with_):
        return isinstance(value, dict) and _matches(value, with_)
    return all(_compares(value, operator, of) for operator, of in with_.items())


def _compares(value, operator, with_):
    if operator == "$exists":
        return (value is not _MISSING) == with_
    if operator not in _COMPARE:
        raise Unsupported(f"the mock ledger knows no {operator} in a selector")
    return value is not _MISSING and _COMPARE[operator](value, with_)


def _field(document, name):
    for part in name.split("."):
        if not isinstance(document, dict) or part not in document:
            return _MISSING
        document = document[part]
    return document


def _like(value, with_):
    numbers = (int, float)
    return type(value) is type(with_) or isinstance(value, numbers) and isinstance(with_, numbers)
