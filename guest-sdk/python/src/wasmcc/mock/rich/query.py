"""The JSON of a query, and its rows. CouchDB: `mango_opts:validate_find`. Fabric's peer rewrites
queries: `statecouchdb.go`, `applyAdditionalQueryOptions`."""

import hashlib
import json

from . import selector
from .documents import document_of, is_integer, place_of, read, read_first, shown
from .index import is_ordered_by_key
from .projection import Projection
from .refusal import Refusal, refusal, shorten
from .sort import Sort

# CouchDB's bookmark of a result without rows. As an argument it means no bookmark.
_NO_BOOKMARK = "nil"
# Fabric's peer replaces the limit; the others control consistency between CouchDB's nodes.
_IGNORED = ("limit", "r", "stale")
_FLAGS = ("allow_fallback", "conflicts", "update", "stable", "execution_stats")


class Query:
    """A parsed query."""

    def __init__(self, text):
        query = _read(text)
        if "selector" not in query:
            raise refusal("missing_required_key", "Missing required key: selector")
        self._selector = selector.parse(query.pop("selector"))
        self._sort, self._projection, self._skip = Sort(), None, 0
        self._index_name, self._may_fall_back, self._bookmark = None, True, None
        for name, value in sorted(query.items()):
            self._set(name, value)

    def _set(self, name, value):
        if name == "sort":
            self._sort = Sort.parse(value)
        elif name == "fields":
            self._projection = Projection(value)
        elif name == "skip":
            if not is_integer(value) or value < 0:
                reason = f"{shown(value)} is not an integer greater than or equal to zero"
                raise refusal("invalid_non_neg_integer", reason)
            self._skip = value
        elif name == "use_index":
            self._index_name = _index_name(value)
        elif name == "bookmark":
            if value is not None and not isinstance(value, str):
                raise _invalid_bookmark(shown(value))
            self._bookmark = _bookmark(value)
        elif name in _FLAGS:
            if not isinstance(value, bool):
                raise refusal("invalid_boolean", f"Invalid boolean value: {shown(value)}")
            if name == "allow_fallback":
                self._may_fall_back = value
        elif name not in _IGNORED:
            raise refusal("invalid_key", f"Invalid key {shorten(name)} for this request.")

    def rows(self, state, indexes, size=0, bookmark=""):
        """Returns the matching rows of `state`, pairs of key and value, and the bookmark of the
        next page. Without a size, all rows are returned."""
        if bookmark:
            self._bookmark = _bookmark(bookmark)
        index = self._index(indexes)
        order = self._order(index)
        found = []
        for key, value in state:
            # Fabric's peer attaches other values to a document without members.
            document = document_of(value) or {}
            if not self._selector.matches(key, document):
                continue
            values = index.values(key, document) if index else []
            if values is None:
                continue
            row = (key, self._projection.apply(document) if self._projection else value)
            found.append((_place(values, key), values, row))
        found.sort(key=lambda one: one[0], reverse=self._sort.is_descending)
        if self._bookmark is not None:
            last = self._last(order)
            is_later = last.__gt__ if self._sort.is_descending else last.__lt__
            found = [one for one in found if is_later(one[0])]
        found = found[self._skip :][: size or None]
        after = self._bookmark or _NO_BOOKMARK
        if found:
            _, values, (key, _) = found[-1]
            after = json.dumps([order, values, key]).encode().hex()
        return [row for _, _, row in found], after

    def _index(self, indexes):
        usable = [one for one in indexes if self._is_usable(one)]
        named = [one for one in usable if self._is_named(one)]
        is_by_key = is_ordered_by_key(self._selector, self._sort.fields)
        if not usable and not is_by_key:
            reason = "No index exists for this sort, try indexing by the sort fields."
            raise refusal("no_usable_index", reason)
        # The order by key counts as an index. With two, there is a choice.
        has_choice = self._index_name is None and len(usable) + is_by_key > 1
        if not (named or self._may_fall_back or has_choice):
            raise refusal("invalid_index", self._not_suitable())
        return min(named or usable, key=lambda one: one.rank(self._selector), default=None)

    def _not_suitable(self):
        if self._index_name is None:
            return "You must specify an index with the `use_index` parameter."
        name = ", ".join(self._index_name)
        return (
            f"_design/{name} specified by `use_index` could not be found or it is not suitable."
        )

    def _is_named(self, index):
        if self._index_name is None:
            return False
        ddoc, *name = self._index_name
        return index.ddoc == ddoc and name in ([], [index.name])

    def _is_usable(self, index):
        # A partial index is used only if the query names it.
        is_whole = index.filter is None or self._is_named(index)
        return is_whole and index.is_usable(self._selector, self._sort.fields)

    def _order(self, index):
        """Returns the order that a bookmark contains: it is invalid for any other."""
        name = f"{index.full_name} {index.text}" if index else "_all_docs"
        name = f"{self._sort.is_descending} {name}"
        return hashlib.sha256(name.encode()).hexdigest()[:8]

    def _last(self, order):
        """Returns the position of the row before this page."""
        try:
            of, values, key = read(bytes.fromhex(self._bookmark).decode())
            is_other = of != order or not isinstance(key, str) or not isinstance(values, list)
        except (ValueError, TypeError):
            is_other = True
        if is_other:
            raise _invalid_bookmark(self._bookmark)
        return _place(values, key)


def _place(values, key):
    return ([place_of(value) for value in values], key)


def _read(text):
    # Like Go's decoder, ignores text after the object.
    try:
        query = read_first(text)
    except ValueError as error:
        raise Refusal(f"a rich query must be a JSON object: {error}") from None
    if not isinstance(query, dict):
        raise Refusal("a rich query must be a JSON object: it is another value")
    return query


def _index_name(value):
    parts = value
    if isinstance(value, str):
        parts = [part for part in value.split("/") if part != "_design"]
    if value is None or parts == []:
        return None
    is_name = isinstance(parts, list) and all(isinstance(part, str) for part in parts)
    if not is_name or len(parts) > 2:
        raise refusal("invalid_index_name", f"Invalid index name: {shown(value)}")
    return (parts[0].removeprefix("_design/"), *parts[1:])


def _bookmark(value):
    return None if value in (None, "", _NO_BOOKMARK) else value


def _invalid_bookmark(text):
    reason = f"Invalid bookmark value: {json.dumps(shorten(text), ensure_ascii=False)}"
    return refusal("invalid_bookmark", reason)
