"""Names of fields: parts separated by dots; a backslash makes a dot part of a name."""

import re

from .refusal import refusal, shorten

# The field that is the document's key.
ID = ("_id",)
# An object on the path has no such member.
MISSING = object()
# The path leads through a value without members.
BAD_PATH = object()


def parse(name, outer=()):
    """Returns the parts of a name below `outer`."""
    parts, rest = [""], iter(name)
    for letter in rest:
        if letter == ".":
            parts.append("")
        else:
            parts[-1] += next(rest, "") if letter == "\\" else letter
    if not all(parts):
        reason = f'Invalid field name: "{shorten(name)}" has an empty part'
        raise refusal("invalid_field_name", reason)
    return (*outer, *parts)


def find(path, key, value):
    """Returns the value of a document at a path; `key` is its key, or None within a document."""
    if path == ID and key is not None:
        return key
    for part in path:
        value = step(value, part)
        if value is MISSING or value is BAD_PATH:
            break
    return value


def step(value, part):
    """Returns a value's member of this name; the names of array elements are their indexes."""
    if isinstance(value, dict):
        return value.get(part, MISSING)
    if isinstance(value, list) and re.fullmatch("[+]?[0-9]+", part) and int(part) < len(value):
        return value[int(part)]
    return BAD_PATH
