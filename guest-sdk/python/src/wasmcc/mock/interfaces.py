"""The interfaces of the WIT package, implemented by the mock ledger."""

import enum
import hashlib
import sys
from types import SimpleNamespace

from .. import composite_key
from ..response import Response
from . import key_policy, system
from .simulation import NO_KEY, RANGE, RICH, Entry, Error_NotPermitted, Interface, refuse

INVOKE = "INVOKE_CHAINCODE"
# The begin of the range of all simple keys.
BEHIND_COMPOSITE_KEYS = "\x01"
TYPES = SimpleNamespace(Entry=Entry)
# The name of a key's policy among its metadata in Fabric.
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
        return Cursor(self._rows("", *_simple_range(start, end)))

    def get_state_by_range_with_pagination(self, start, end, page_size, bookmark):
        return self._page(_simple_range(start, end), page_size, bookmark)

    def get_state_by_partial_composite_key(self, object_type, attributes):
        return Cursor(self._rows("", *_composite_range(object_type, attributes)))

    def get_state_by_partial_composite_key_with_pagination(
        self, object_type, attributes, page_size, bookmark
    ):
        return self._page(_composite_range(object_type, attributes), page_size, bookmark)

    def get_all_states_composite_key_with_pagination(self, page_size, bookmark):
        return self._page((composite_key.SEPARATOR, BEHIND_COMPOSITE_KEYS), page_size, bookmark)

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

    def _page(self, bounds, size, bookmark):
        if size or bookmark:
            # Without page size and bookmark, a peer returns all rows.
            self._begin_page(RANGE)
        start, end = bounds
        # A page begins at its bookmark, even outside of the range.
        rows = self._rows("", bookmark or start, end)
        size = size or len(rows)
        bookmark = rows[size][0] if len(rows) > size else None
        return _page(rows[:size], bookmark)


class PrivateData(Interface):
    """`private-data`."""

    def get_private_data(self, collection, key):
        return self._read("GET_STATE", self._collection("GET_STATE", collection), key)

    def get_multiple_private_data(self, collection, keys):
        _non_empty(collection, "collection")
        return [self.get_private_data(collection, key) for key in keys]

    def get_private_data_hash(self, collection, key):
        value = self._recorded(self._collection("GET_PRIVATE_DATA_HASH", collection), key)
        return None if value is None else hashlib.sha256(value).digest()

    def put_private_data(self, collection, key, value):
        _non_empty(collection, "collection")
        _non_empty(key, "key")
        self._write("PUT_STATE", self._collection("PUT_STATE", collection), key, value)

    def del_private_data(self, collection, key):
        self._write("DEL_STATE", self._collection("DEL_STATE", collection), key, None)

    def purge_private_data(self, collection, key):
        call = "PURGE_PRIVATE_DATA"
        self._write(call, self._collection(call, collection), key, None)

    def get_private_data_by_range(self, collection, start, end):
        _non_empty(collection, "collection")
        return self._private(collection, _simple_range(start, end))

    def get_private_data_by_partial_composite_key(self, collection, object_type, attributes):
        _non_empty(collection, "collection")
        return self._private(collection, _composite_range(object_type, attributes))

    def get_private_data_query_result(self, collection, query):
        collection = self._collection(RICH, collection)
        self._begin_private_query(RICH)
        return Cursor(self._rich(collection, query)[0])

    def _private(self, collection, bounds):
        self._collection(RANGE, collection)
        self._begin_private_query(RANGE)
        return Cursor(self._rows(collection, *bounds))

    def get_private_data_validation_parameter(self, collection, key):
        return self._metadata(self._collection("GET_STATE_METADATA", collection), key).get(POLICY)

    def set_private_data_validation_parameter(self, collection, key, policy):
        entries = _entries(policy)
        collection = self._collection("PUT_STATE_METADATA", collection)
        self._write_metadata(collection, key, entries)

    def _collection(self, call, name):
        _non_empty(name, "collection")
        # A chaincode that `init` calls runs as in any other transaction.
        if self._tx.is_init and len(self._tx.running) == 1:
            cause = "private data APIs are not allowed in chaincode Init()"
            self._refuse(call, cause, Error_NotPermitted)
        return name


class Invocation(Interface):
    """`invocation`."""

    def invoke_chaincode(self, name, args, channel):
        tx = self._tx
        own_channel = tx.ledger.channel
        # A name may have a version, which is ignored, and a channel, as in Fabric.
        whole = f"{name}/{channel}" if channel else name
        name, _, channel = whole.partition("/")
        name = name.partition(":")[0]
        if channel not in ("", own_channel):
            self._refuse(INVOKE, f"Failed to get policy manager for channel [{channel}]")
        refusal = system.refusal(name, args, tx.running[0])
        if refusal:
            return Response.error(refusal)
        if name in tx.running:
            cause = f"error sending: txid: {tx.tx_id}({own_channel}) exists"
            self._refuse(INVOKE, f"execute failed: {cause}")
        if name not in tx.ledger.chaincodes:
            cause = f"chaincode {name} not found"
            if not name:
                cause = f"could not retrieve state for chaincode : {NO_KEY}"
            self._refuse(
                INVOKE,
                f"execute failed: invalid invocation: [channel {own_channel}] failed to get "
                f"chaincode container info for {name}: {cause}",
            )
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


def _entries(policy):
    if policy and not key_policy.is_readable(policy):
        refuse(
            "the endorsement policy is not a serialized common.SignaturePolicyEnvelope that peers "
            "can read: nobody could change the key any more"
        )
    return {POLICY: policy}


def _simple_range(start, end):
    for bound in (start, end):
        if bound.startswith(composite_key.SEPARATOR):
            refuse(
                f"first character of the key [{bound}] contains a null character which is not "
                "allowed"
            )
    return start or BEHIND_COMPOSITE_KEYS, end


def _composite_range(object_type, attributes):
    try:
        prefix = composite_key.create(object_type, attributes)
    except composite_key.ContractError as error:
        refuse(error.message)
    return prefix, prefix + composite_key.MAX
