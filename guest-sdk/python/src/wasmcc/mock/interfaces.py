"""The interfaces of the WIT package, answered by the mock ledger."""

import enum
import hashlib
import sys
from types import SimpleNamespace

from .. import composite_key
from . import key_policy
from .simulation import RANGE, RICH, Entry, Interface, refuse

TYPES = SimpleNamespace(Entry=Entry)
# The name that Fabric gives a key's policy among its metadata.
POLICY = "VALIDATION_PARAMETER"


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
        return self._read("GET_STATE", "", key)

    def get_multiple_states(self, keys):
        return [self.get_state(key) for key in keys]

    def put_state(self, key, value):
        _non_empty(key, "key")
        self._write("PUT_STATE", "", key, value)

    def del_state(self, key):
        self._write("DEL_STATE", "", key, None)

    def get_state_metadata(self, key):
        return [Entry(*entry) for entry in sorted(self._metadata("", key).items())]

    def put_state_metadata(self, key, entry):
        self._write_metadata("", key, {entry.name: entry.value})

    def get_state_validation_parameter(self, key):
        return self._metadata("", key).get(POLICY)

    def set_state_validation_parameter(self, key, policy):
        self._write_metadata("", key, _entries(policy))

    def start_write_batch(self):
        pass

    def finish_write_batch(self):
        pass


class Query(Interface):
    """`query`."""

    def get_state_by_range(self, start, end):
        return Cursor(self._range("", start, end))

    def get_state_by_range_with_pagination(self, start, end, page_size, bookmark):
        return self._page(self._range("", bookmark or start, end), page_size, bookmark)

    def get_state_by_partial_composite_key(self, object_type, attributes):
        return Cursor(self._partial("", object_type, attributes))

    def get_state_by_partial_composite_key_with_pagination(
        self, object_type, attributes, page_size, bookmark
    ):
        rows = self._partial("", object_type, attributes)
        return self._page(rows, page_size, bookmark)

    def get_all_states_composite_key_with_pagination(self, page_size, bookmark):
        rows = [row for row in self._sorted("") if row[0].startswith(composite_key.SEPARATOR)]
        return self._page(rows, page_size, bookmark)

    def get_query_result(self, query):
        return Cursor(self._rich("", query)[0])

    def get_query_result_with_pagination(self, query, page_size, bookmark):
        is_page = page_size or bookmark
        if is_page:
            self._begin_page(RICH)
        rows, after = self._rich("", query, page_size, bookmark)
        return _page(rows, after if is_page else None)

    def get_history_for_key(self, key):
        changes = self._tx.ledger.history.get((self._name, key), [])
        rows = [
            SimpleNamespace(tx_id=tx_id, value=value or b"", timestamp=at, is_delete=value is None)
            for tx_id, value, at in changes
        ]
        return Cursor(rows)

    def _page(self, rows, size, bookmark):
        if size or bookmark:
            # Without both it is no page to a peer.
            self._begin_page(RANGE)
        rows = [row for row in rows if row[0] >= (bookmark or "")]
        size = size or len(rows)
        bookmark = rows[size][0] if len(rows) > size else None
        return _page(rows[:size], bookmark)


class PrivateData(Interface):
    """`private-data`."""

    def get_private_data(self, collection, key):
        return self._read("GET_STATE", _collection(collection), key)

    def get_multiple_private_data(self, collection, keys):
        return [self.get_private_data(collection, key) for key in keys]

    def get_private_data_hash(self, collection, key):
        value = self._recorded(_collection(collection), key)
        return None if value is None else hashlib.sha256(value).digest()

    def put_private_data(self, collection, key, value):
        collection = _collection(collection)
        _non_empty(key, "key")
        self._write("PUT_STATE", collection, key, value)

    def del_private_data(self, collection, key):
        self._write("DEL_STATE", _collection(collection), key, None)

    def purge_private_data(self, collection, key):
        self._write("PURGE_PRIVATE_DATA", _collection(collection), key, None)

    def get_private_data_by_range(self, collection, start, end):
        return self._private(self._range(_collection(collection), start, end))

    def get_private_data_by_partial_composite_key(self, collection, object_type, attributes):
        rows = self._partial(_collection(collection), object_type, attributes)
        return self._private(rows)

    def get_private_data_query_result(self, collection, query):
        collection = _collection(collection)
        self._begin_private_query(RICH)
        return Cursor(self._rich(collection, query)[0])

    def _private(self, rows):
        self._begin_private_query(RANGE)
        return Cursor(rows)

    def get_private_data_validation_parameter(self, collection, key):
        return self._metadata(_collection(collection), key).get(POLICY)

    def set_private_data_validation_parameter(self, collection, key, policy):
        entries = _entries(policy)
        self._write_metadata(_collection(collection), key, entries)


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


def _page(rows, bookmark):
    return SimpleNamespace(rows=list(map(_row, rows)), bookmark=bookmark)


def _row(row):
    return SimpleNamespace(key=row[0], value=row[1])


def _non_empty(text, what):
    return text or refuse(f"{what} must not be an empty string")


def _collection(name):
    return _non_empty(name, "collection")


def _entries(policy):
    if policy and not key_policy.is_readable(policy):
        refuse(
            "the endorsement policy is not a serialized common.SignaturePolicyEnvelope that peers "
            "can read: nobody could change the key any more"
        )
    return {POLICY: policy} if policy else {}
