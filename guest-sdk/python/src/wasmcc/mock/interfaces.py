"""The interfaces of the WIT package, answered by the mock ledger."""

import enum
import hashlib
import sys
from dataclasses import dataclass, field
from types import SimpleNamespace

from .. import composite_key
from . import selector


class Error_InvalidArgument:
    """A case of `types.error`."""

    def __init__(self, value):
        self.value = value


class Error_Unsupported(Error_InvalidArgument):
    """A case of `types.error`."""


class Refused(Exception):
    """What componentize-py calls `Err`."""

    def __init__(self, value):
        super().__init__(value.value)
        self.value = value


def refuse(text):
    """Refuses a call because of its arguments."""
    raise Refused(Error_InvalidArgument(text))


@dataclass(frozen=True)
class Entry:
    """`types.entry`."""

    name: str
    value: bytes


TYPES = SimpleNamespace(Entry=Entry)


@dataclass
class Simulation:
    """One transaction."""

    ledger: object
    args: list
    tx_id: str
    creator: bytes
    transient: dict
    timestamp: object
    writes: dict = field(default_factory=dict)
    metadata: dict = field(default_factory=dict)
    reads: list = field(default_factory=list)
    log: list = field(default_factory=list)
    event: object = None

    def outcome(self, name, payload, make):
        """What the test gets to know."""
        writes, private = {}, {}
        for (namespace, collection, key), value in self.writes.items():
            if namespace == name:
                of = private.setdefault(collection, {}) if collection else writes
                of[key] = value
        reads = [key for namespace, key in self.reads if namespace == name]
        return make(self.tx_id, payload, self.event, writes, private, reads, self.log)


class Interface:
    """The part of a chaincode in a transaction."""

    def __init__(self, name, simulation):
        self._name = name
        self._tx = simulation

    def _read(self, collection, key):
        _check(key)
        self._tx.reads.append((self._name, key))
        return self._tx.ledger.state.get((self._name, collection), {}).get(key)

    def _write(self, collection, key, value):
        _check(key)
        self._tx.writes[self._name, collection, key] = value or None

    def _sorted(self, collection):
        state = self._tx.ledger.state.get((self._name, collection), {})
        return sorted(state.items(), key=lambda item: item[0].encode())

    def _range(self, collection, start, end):
        for bound in (start, end):
            if bound.startswith(composite_key.SEPARATOR):
                refuse(
                    f"first character of the key [{bound}] contains a null character which is not "
                    "allowed"
                )
        start = start.encode() or b"\x01"
        rows = self._sorted(collection)
        return [
            (key, value)
            for key, value in rows
            if start <= key.encode() and (not end or key.encode() < end.encode())
        ]

    def _partial(self, collection, object_type, attributes):
        try:
            prefix = composite_key.create(object_type, attributes)
        except composite_key.ContractError as error:
            refuse(error.message)
        return [row for row in self._sorted(collection) if row[0].startswith(prefix)]

    def _matching(self, collection, query):
        try:
            return selector.run(query, self._sorted(collection))
        except selector.Unsupported as error:
            raise Refused(Error_Unsupported(str(error))) from None


class Transaction(Interface):
    """`transaction`."""

    def get_args(self):
        return self._tx.args

    def get_tx_id(self):
        return self._tx.tx_id

    def get_channel_id(self):
        return self._tx.ledger.channel

    def get_creator(self):
        return self._tx.creator

    def get_transient(self):
        return [Entry(*entry) for entry in sorted(self._tx.transient.items())]

    def get_tx_timestamp(self):
        return self._tx.timestamp

    def get_binding(self):
        return hashlib.sha256(self._tx.tx_id.encode()).digest()

    def get_signed_proposal(self):
        return None

    def get_decorations(self):
        return []

    def get_peer_msp_id(self):
        return self._tx.ledger.peer_msp_id


class State(Interface):
    """`state`."""

    def get_state(self, key):
        return self._read("", key)

    def get_multiple_states(self, keys):
        return [self._read("", key) for key in keys]

    def put_state(self, key, value):
        self._write("", key, value)

    def del_state(self, key):
        self._write("", key, None)

    def get_state_metadata(self, key):
        entries = self._tx.ledger.metadata.get((self._name, "", key), {})
        return [Entry(*entry) for entry in sorted(entries.items())]

    def put_state_metadata(self, key, entry):
        self._tx.metadata[self._name, "", key] = {entry.name: entry.value}

    def get_state_validation_parameter(self, key):
        return _policy(self._tx.ledger, self._name, "", key)

    def set_state_validation_parameter(self, key, policy):
        self._tx.metadata[self._name, "", key] = _entries(policy)

    def start_write_batch(self):
        pass

    def finish_write_batch(self):
        pass


class Query(Interface):
    """`query`."""

    def get_state_by_range(self, start, end):
        return Cursor(self._range("", start, end))

    def get_state_by_range_with_pagination(self, start, end, page_size, bookmark):
        return _page(self._range("", bookmark or start, end), page_size)

    def get_state_by_partial_composite_key(self, object_type, attributes):
        return Cursor(self._partial("", object_type, attributes))

    def get_state_by_partial_composite_key_with_pagination(
        self, object_type, attributes, page_size, bookmark
    ):
        rows = self._partial("", object_type, attributes)
        return _page([row for row in rows if row[0] >= (bookmark or "")], page_size)

    def get_all_states_composite_key_with_pagination(self, page_size, bookmark):
        rows = [row for row in self._sorted("") if row[0].startswith(composite_key.SEPARATOR)]
        return _page([row for row in rows if row[0] >= (bookmark or "")], page_size)

    def get_query_result(self, query):
        return Cursor(self._matching("", query))

    def get_query_result_with_pagination(self, query, page_size, bookmark):
        rows = self._matching("", query)
        return _page([row for row in rows if row[0] >= (bookmark or "")], page_size)

    def get_history_for_key(self, key):
        changes = self._tx.ledger.history.get((self._name, key), [])
        rows = [
            SimpleNamespace(tx_id=tx_id, value=value or b"", timestamp=at, is_delete=value is None)
            for tx_id, value, at in changes
        ]
        return Cursor(rows)


class PrivateData(Interface):
    """`private-data`."""

    def get_private_data(self, collection, key):
        return self._read(_collection(collection), key)

    def get_multiple_private_data(self, collection, keys):
        return [self.get_private_data(collection, key) for key in keys]

    def get_private_data_hash(self, collection, key):
        value = self._read(_collection(collection), key)
        return None if value is None else hashlib.sha256(value).digest()

    def put_private_data(self, collection, key, value):
        self._write(_collection(collection), key, value)

    def del_private_data(self, collection, key):
        self._write(_collection(collection), key, None)

    purge_private_data = del_private_data

    def get_private_data_by_range(self, collection, start, end):
        return Cursor(self._range(_collection(collection), start, end))

    def get_private_data_by_partial_composite_key(self, collection, object_type, attributes):
        return Cursor(self._partial(_collection(collection), object_type, attributes))

    def get_private_data_query_result(self, collection, query):
        return Cursor(self._matching(_collection(collection), query))

    def get_private_data_validation_parameter(self, collection, key):
        return _policy(self._tx.ledger, self._name, collection, key)

    def set_private_data_validation_parameter(self, collection, key, policy):
        self._tx.metadata[self._name, collection, key] = _entries(policy)


class Invocation(Interface):
    """`invocation`."""

    def invoke_chaincode(self, name, args, channel):
        tx = self._tx
        channel = channel or tx.ledger.channel
        if name not in tx.ledger.chaincodes or channel != tx.ledger.channel:
            refuse(f"the mock ledger has no chaincode {name} on the channel {channel}")
        own, event, tx.args = tx.args, tx.event, args
        response = tx.ledger.run(name, tx)
        tx.args, tx.event = own, event
        return response


class Event(Interface):
    """`event`."""

    def set_event(self, name, payload):
        if not name:
            refuse("event name can not be empty string")
        self._tx.event = SimpleNamespace(name=name, payload=payload)


class Log(Interface):
    """`log`."""

    Level = enum.Enum("Level", "TRACE DEBUG INFO WARN ERROR")
    Field = Entry

    def log(self, level, message, fields):
        self._tx.log.append((level.name.lower(), message))
        print(f"{level.name.lower()}: {message}", file=sys.stderr)


INTERFACES = {
    "transaction": Transaction,
    "state": State,
    "query": Query,
    "private_data": PrivateData,
    "invocation": Invocation,
    "event": Event,
    "log": Log,
}


class Cursor:
    """An open query."""

    def __init__(self, rows):
        self._rows = [row if hasattr(row, "value") else _row(row) for row in rows]

    def next_batch(self, count):
        batch, self._rows = self._rows[:count], self._rows[count:]
        return batch

    def __exit__(self, *_):
        self._rows = []


def _row(row):
    return SimpleNamespace(key=row[0], value=row[1])


def _page(rows, size):
    size = size or len(rows)
    bookmark = rows[size][0] if len(rows) > size else None
    return SimpleNamespace(rows=list(map(_row, rows[:size])), bookmark=bookmark)


def _check(key):
    if not key:
        refuse("key must not be an empty string")


def _collection(name):
    return name or refuse("collection must not be an empty string")


def _entries(policy):
    return {"VALIDATION_PARAMETER": policy} if policy else {}


def _policy(ledger, namespace, collection, key):
    entries = ledger.metadata.get((namespace, collection, key), {})
    return entries.get("VALIDATION_PARAMETER")
