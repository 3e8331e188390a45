"""The `fields` of a query: which parts of a document come back."""

from . import field
from .documents import shown, write_projection
from .refusal import Refusal, refusal


class Projection:
    """The wanted fields, as a tree of their parts; a field without parts is wanted whole."""

    def __init__(self, fields):
        if not isinstance(fields, list):
            raise Refusal("fields definition must be an array")
        self._tree = {}
        for name in fields:
            if not isinstance(name, str):
                raise refusal("invalid_field", f"Invalid JSON for field spec: {shown(name)}")
            path = field.parse(name)
            # The key, and what CouchDB keeps for itself, is never part of a value.
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
        """The bytes that come back for a document."""
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
