"""A transaction's calls of its peer: the functions of Fabric's stub, in snake_case.

A read returns the committed value: a transaction does not see its own writes. A refusal by the peer
raises `PeerError`. Values may be bytes or text.
"""

from . import composite_key
from .checks import as_bytes, number, text, texts
from .private import PrivateData, policy_bytes
from .response import Response
from .rows import Page, Rows, change_of, row_of
from .timestamp import Timestamp


class ChaincodeStub(PrivateData):
    """One transaction's access to the ledger."""

    def __init__(self, bindings):
        self._wit = bindings

    def _call(self, function, *args, rest=()):
        """Calls a function with texts, and with `rest`, which was checked elsewhere."""
        for arg in args:
            if type(arg) is not str or not arg.isascii():
                text(arg, f"an argument of {function.__name__}")
        return self._wit.call(function, *args, *rest)

    def _rows(self, function, *args, rest=()):
        return Rows(self._call(function, *args, rest=rest), self._next, row_of)

    def _next(self, function, count):
        return self._call(function, rest=(count,))

    def _page(self, function, *args, page_size, bookmark, attributes=None):
        args = [text(arg, f"an argument of {function.__name__}") for arg in args]
        if attributes is not None:
            args.append(texts(attributes, "the attributes"))
        size, bookmark = number(page_size, "the page size"), text(bookmark, "the bookmark")
        rows, count, bookmark = self._wit.page(function, args, size, bookmark)
        return Page([row_of(row) for row in rows], count, bookmark)

    # The transaction.

    def get_args(self):
        """Returns the arguments, as bytes; by convention the first one is the function's name."""
        return list(self._wit.transaction.get_args())

    def get_string_args(self):
        """Returns the arguments as text; bytes that are not UTF-8 become U+FFFD."""
        return [arg.decode("utf-8", "replace") for arg in self.get_args()]

    def get_function_and_parameters(self):
        """Returns the first argument and the list of the others, as text."""
        name, *rest = self.get_string_args() or [""]
        return name, rest

    def get_tx_id(self):
        """Returns the lower-case hexadecimal SHA-256 of the proposal's nonce and creator."""
        return self._wit.transaction.get_tx_id()

    def get_channel_id(self):
        """Returns the name of the channel."""
        return self._wit.transaction.get_channel_id()

    def get_creator(self):
        """Returns the submitting identity, a serialized `msp.SerializedIdentity`."""
        return self._wit.transaction.get_creator()

    def get_transient(self):
        """Returns the transient data, a dict of bytes: only endorsers see it, it is not part of the
        transaction."""
        return self._wit.named(self._wit.transaction.get_transient())

    def get_tx_timestamp(self):
        """Returns the client's time. Use it instead of a clock: endorsers must agree."""
        return Timestamp(*self._wit.timestamp())

    def get_binding(self):
        """Returns the SHA-256 of nonce, creator and epoch. It binds transient data to this
        proposal."""
        return self._wit.transaction.get_binding()

    def get_signed_proposal(self):
        """Returns the proposal with the client's signature, as `proposal_bytes` and `signature`;
        None if the call has none."""
        return self._wit.transaction.get_signed_proposal()

    def get_decorations(self):
        """Returns the data that the peer's decorators added, a dict of bytes."""
        return self._wit.named(self._wit.transaction.get_decorations())

    def get_peer_msp_id(self):
        """Returns the MSP id of the peer. It differs between organizations: do not write it to the
        ledger."""
        return self._wit.peer_msp_id()

    # State.

    def get_state(self, key):
        """Returns the committed value; None if the key does not exist."""
        return self._call(self._wit.state.get_state, key)

    def get_multiple_states(self, keys):
        """Returns the values of `keys`, in their order; None for a key that does not exist."""
        return list(self._call(self._wit.state.get_multiple_states, rest=(texts(keys, "the keys"),)))

    def put_state(self, key, value):
        """Writes at commit. An empty value deletes the key."""
        self._call(self._wit.state.put_state, key, rest=(as_bytes(value, "the value"),))

    def del_state(self, key):
        """Deletes at commit. Deleting a missing key is not an error."""
        self._call(self._wit.state.del_state, key)

    def get_state_metadata(self, key):
        """Returns all metadata of a key, a dict of bytes."""
        return self._wit.named(self._call(self._wit.state.get_state_metadata, key))

    def put_state_metadata(self, key, name, value):
        """Replaces all metadata of the key at commit by this one entry."""
        value = as_bytes(value, "the value")
        entry = self._wit.entry(text(name, "the name"), value)
        self._call(self._wit.state.put_state_metadata, key, rest=(entry,))

    def get_state_validation_parameter(self, key):
        """Returns the key's own endorsement policy, which `Policy.from_bytes` parses; None if the
        chaincode's policy applies."""
        return self._call(self._wit.state.get_state_validation_parameter, key)

    def set_state_validation_parameter(self, key, policy):
        """Sets the key's own endorsement policy, a `Policy` or its bytes; empty bytes remove it."""
        function = self._wit.state.set_state_validation_parameter
        self._call(function, key, rest=(policy_bytes(policy),))

    def start_write_batch(self):
        """Lets the peer hold back the writes that follow and send them together, if it supports
        batches.

        A refused write then fails in `finish_write_batch`, or ends the transaction. On other peers
        the write itself fails. Do not catch either error: a transaction that continues has
        different results on different peers.
        """
        self._wit.state.start_write_batch()

    def finish_write_batch(self):
        """Sends the writes that were held back since the start of the batch."""
        self._call(self._wit.state.finish_write_batch)

    # Queries.

    def get_state_by_range(self, start, end):
        """Returns the keys from `start` (included) to `end` (excluded). An empty start begins after
        the composite keys; an empty end reads to the end."""
        return self._rows(self._wit.query.get_state_by_range, start, end)

    def get_state_by_range_with_pagination(self, start, end, page_size, bookmark=""):
        """Returns one page of a range, for transactions that write nothing."""
        function = self._wit.query.get_state_by_range_with_pagination
        return self._page(function, start, end, page_size=page_size, bookmark=bookmark)

    def get_state_by_partial_composite_key(self, object_type, attributes):
        """Returns all composite keys that begin with `object_type` and `attributes`."""
        function = self._wit.query.get_state_by_partial_composite_key
        return self._rows(function, object_type, rest=(texts(attributes, "the attributes"),))

    def get_state_by_partial_composite_key_with_pagination(
        self, object_type, attributes, page_size, bookmark=""
    ):
        """Returns one page of a partial composite key query, for transactions that write nothing.
        """
        function = self._wit.query.get_state_by_partial_composite_key_with_pagination
        return self._page(
            function,
            object_type,
            attributes=attributes,
            page_size=page_size,
            bookmark=bookmark,
        )

    def get_all_states_composite_key_with_pagination(self, page_size, bookmark=""):
        """Returns one page of all composite keys of all object types."""
        function = self._wit.query.get_all_states_composite_key_with_pagination
        return self._page(function, page_size=page_size, bookmark=bookmark)

    def get_query_result(self, query):
        """Returns the rows that match a CouchDB selector. Not checked for phantoms at commit."""
        return self._rows(self._wit.query.get_query_result, query)

    def get_query_result_with_pagination(self, query, page_size, bookmark=""):
        """Returns one page of a rich query, for transactions that write nothing."""
        function = self._wit.query.get_query_result_with_pagination
        return self._page(function, query, page_size=page_size, bookmark=bookmark)

    def get_history_for_key(self, key):
        """Returns the changes of one key, newest first. They are not checked at commit."""
        cursor = self._call(self._wit.query.get_history_for_key, key)
        return Rows(cursor, self._next, change_of)

    # Keys, calls, events, log.

    def create_composite_key(self, object_type, attributes):
        """Returns a key of several parts."""
        return composite_key.create(object_type, attributes)

    def split_composite_key(self, key):
        """Returns the object type and the list of attributes of a composite key."""
        return composite_key.split(key)

    def invoke_chaincode(self, name, args, channel=""):
        """Runs another chaincode in this transaction; an empty `channel` means the current one.

        On the same channel its reads and writes become part of this transaction, even if it returns
        an error. On another channel it can only read. `ok()` of the response raises a refusal.
        """
        if isinstance(args, (str, bytes)):
            raise TypeError("the arguments must be a list")
        args = [as_bytes(arg, "each of the arguments") for arg in args]
        name, channel = text(name, "the name"), text(channel, "the channel")
        return Response(*self._wit.invoke_chaincode(name, args, channel))

    def set_event(self, name, payload=b""):
        """Sets the one event of this transaction; a later call replaces it."""
        self._call(self._wit.event.set_event, name, rest=(as_bytes(payload, "the payload"),))

    def log(self, level, message, **fields):
        """Writes a line to the peer's log. `level` is trace, debug, info, warn or error; `fields`
        are for programs that read the log. The module `logging` writes there, too."""
        self._wit.write_line(level, message, fields)
