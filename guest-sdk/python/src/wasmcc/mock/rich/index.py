"""Indexes, and the choice of a query's index. Fabric: `internal/ccmetadata/validators.go`; CouchDB:
`mango_idx_view:is_usable/3`, `mango_cursor_view:choose_best_index/2`."""

import hashlib
from dataclasses import dataclass

from . import field, selector
from .documents import read, write
from .refusal import Refusal
from .sort import Sort

_BOUNDS = ("$eq", "$gt", "$gte", "$lt", "$lte", "$beginsWith", "$exists")


@dataclass(frozen=True)
class Index:
    """The definition in a file of META-INF/statedb/couchdb/indexes."""

    ddoc: str
    name: str
    columns: tuple
    # Only documents that match this are in the index; None for all.
    filter: object
    # The definition.
    text: str

    @classmethod
    def parse(cls, text):
        """Parses the text of a file; raises `ValueError` if a peer would not accept it."""
        try:
            definition = read(text if isinstance(text, str) else bytes(text).decode())
            return cls._of(definition)
        except (ValueError, Refusal) as error:
            raise ValueError(f"not an index definition: {error}") from None

    @classmethod
    def _of(cls, definition):
        if not isinstance(definition, dict):
            raise ValueError("it is not a JSON object")
        unknown = set(definition) - {"index", "ddoc", "name", "type"}
        index = definition.get("index")
        if not unknown and isinstance(index, dict):
            unknown = set(index) - {"fields", "partial_filter_selector"}
        if unknown:
            raise ValueError(f"Invalid Entry.  Entry {min(unknown)}")
        if not isinstance(index, dict) or not isinstance(index.get("fields"), list):
            raise ValueError('Index definition must include a "fields" definition')
        if definition.get("type", "json") != "json":
            raise ValueError("Index type must be json")
        made = hashlib.sha256(write(index).encode()).hexdigest()[:40]
        ddoc, name = (definition.get(member, made) for member in ("ddoc", "name"))
        if not isinstance(ddoc, str) or not isinstance(name, str):
            raise ValueError('Invalid entry, "ddoc" and "name" must be strings')
        columns = Sort.parse(index["fields"]).fields
        if not columns:
            raise ValueError('Index definition must include a "fields" definition')
        wanted = index.get("partial_filter_selector", {})
        wanted = selector.parse(wanted, "partial_filter_selector") if wanted != {} else None
        return cls(ddoc.removeprefix("_design/"), name, columns, wanted, write(definition))

    @property
    def full_name(self):
        """`DESIGN_DOCUMENT/NAME`."""
        return f"{self.ddoc}/{self.name}"

    def values(self, key, document):
        """Returns a document's values in this index; None if the index does not contain it."""
        if self.filter is not None and not self.filter.matches(key, document):
            return None
        values = [field.find(column, key, document) for column in self.columns]
        is_there = field.MISSING not in values and field.BAD_PATH not in values
        return values if is_there else None

    def is_usable(self, condition, sort):
        """Returns true if the index contains every matching document, in the requested order."""
        required = _required(condition)
        for column in self.columns:
            is_there = column == field.ID or column in sort or required is None
            if not is_there and column not in required:
                return False
        if not sort:
            return True
        # Columns with a constant value may precede the columns to sort by.
        columns = list(self.columns)
        while columns and columns[0] != sort[0] and "$eq" in _bounds(condition, columns[0]):
            columns.pop(0)
        return columns[: len(sort)] == list(sort)

    def rank(self, condition):
        """Returns the rank; the usable index with the lowest one is chosen. The selector restricts
        most of its leading columns."""
        restricted = 0
        while restricted < len(self.columns) and _bounds(condition, self.columns[restricted]):
            restricted += 1
        return (-restricted, len(self.columns), self.ddoc, self.name)


def is_ordered_by_key(condition, sort):
    """Whether the order by key is the requested one. CouchDB sorts by the key alone only if the
    selector restricts the key: `mango_idx_special:is_usable/3`."""
    return not sort or (sort == (field.ID,) and bool(_bounds(condition, field.ID)))


def _required(condition):
    """Returns the fields that every matching document has; None if no document can match."""
    if isinstance(condition, selector.Field):
        is_missing = condition.operator == "$exists" and condition.argument is False
        return set() if is_missing else {condition.path}
    if isinstance(condition, selector.Not):
        return set()
    parts = [_required(part) for part in condition.parts]
    if isinstance(condition, selector.All):
        return None if None in parts else set().union(*parts)
    parts = [part for part in parts if part is not None]
    return set.intersection(*parts) if parts else None


def _bounds(condition, path):
    """Returns the operators that restrict a field of every matching document."""
    if isinstance(condition, selector.All):
        return [one for part in condition.parts for one in _bounds(part, path)]
    is_bound = isinstance(condition, selector.Field) and condition.path == path
    if is_bound and not condition.is_negated and condition.operator in _BOUNDS:
        return [condition.operator]
    return []
