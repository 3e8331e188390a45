"""Iterators over the rows of a query.

Further rows are requested only when one of them is needed. The peer records reads by how many rows
were requested, so the requests must be the same on every endorser.
"""

from dataclasses import dataclass

from .timestamp import Timestamp

# The size of Fabric's batches. The peer may send fewer rows.
BATCH = 100


@dataclass(frozen=True)
class KeyValue:
    """One row of the ledger."""

    key: str
    value: bytes

    def json(self, hint=None):
        """Returns the value, read as JSON of the type `hint`, or of any type."""
        from .codecs import read_json

        return read_json(self.value, hint, f"value of {self.key}")


@dataclass(frozen=True)
class KeyModification:
    """One change of a key. The value is empty for a deletion."""

    tx_id: str
    value: bytes
    timestamp: Timestamp
    is_delete: bool


@dataclass(frozen=True)
class Page:
    """One page of a query, and the bookmark of the next page, which is empty after the last."""

    rows: list
    fetched_records_count: int
    bookmark: str

    def __iter__(self):
        return iter(self.rows)


class Rows:
    """An iterator over the rows of a query. It closes the query at its end, in `close`, and at the
    end of a `with` block. After an error there are no more rows."""

    def __init__(self, cursor, call, convert):
        self._cursor = cursor
        self._call = call
        self._convert = convert
        self._fetched = iter(())

    def __iter__(self):
        return self

    def __next__(self):
        for row in self._fetched:
            return self._convert(row)
        if self._cursor is None:
            raise StopIteration
        try:
            batch = self._call(self._cursor.next_batch, BATCH)
        except BaseException:
            self.close()
            raise
        self._fetched = iter(batch)
        for row in self._fetched:
            return self._convert(row)
        self.close()
        raise StopIteration

    def close(self):
        """Closes the query at the peer; unread rows are lost."""
        cursor, self._cursor = self._cursor, None
        self._fetched = iter(())
        if cursor is not None:
            cursor.__exit__(None, None, None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def row_of(row):
    """Converts a row for contracts."""
    return KeyValue(row.key, row.value)


def change_of(change):
    """Converts a change for contracts."""
    timestamp = Timestamp(change.timestamp.seconds, change.timestamp.nanos)
    return KeyModification(change.tx_id, change.value, timestamp, change.is_delete)
