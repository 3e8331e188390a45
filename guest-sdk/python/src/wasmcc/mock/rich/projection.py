"""The `fields` of a query: the parts of a document that are returned."""

from . import field
from .documents import shown, write_projection
from .refusal import Refusal, refusal


class Projection:
    """The requested fields, as a tree of their parts; a field without parts is returned whole."""

    def __init__(self, fields):
        if not isinstance(fields, list):
            raise Refusal("fields definition must be an array")
        self._tree = {}
        for name in fields:
            if not isinstance(name, str):
                raise refusal("invalid_field", f"Invalid JSON for field spec: {shown(name)}")
            path = field.parse(name)
            # The key and CouchDB's own members are never part of a value.
            if not path[0].startswith("_"):
                self._add(path)

    def _add(self, path):
        tree = self._tree
        for part in path[:-1]:
            if tree.get(part) == {}:
                return
            tree = tree.setdefault(part, {})
        tree[path[-1]] = {}

    def apply(self, document):
        """Returns the bytes of a document's requested parts."""
        return write_projection(_projected(document, self._tree))


def _projected(value, tree):
    projected = {}
    for part, below in tree.items():
        found = field.step(value, part)
        if found is field.MISSING or found is field.BAD_PATH:
            continue
        if not below:
            projected[part] = found
        elif inner := _projected(found, below):
            projected[part] = inner
    return projected
