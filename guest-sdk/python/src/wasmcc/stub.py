"""What a transaction may ask of its peer: the functions of Fabric's stub, in snake_case.

A read returns the committed value: a transaction does not see its own writes. What the peer refuses
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
        """Calls a function with texts, and with what was checked elsewhere."""
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
        """The arguments, as bytes; by convention the first one is the function's name."""
        return list(self._wit.transaction.get_args())

    def get_string_args(self):
        """The arguments as text; bytes that are not UTF-8 become U+FFFD."""
        return [arg.decode("utf-8", "replace") for arg in self.get_args()]

    def get_function_and_parameters(self):
        """The first argument and the list of the others, as text."""
        name, *rest = self.get_string_args() or [""]
        return name, rest

    def get_tx_id(self):
        """Lower-case hexadecimal SHA-256 of the proposal's nonce and creator."""
        return self._wit.transaction.get_tx_id()

    def get_channel_id(self):
        """The channel whose ledger this is."""
        return self._wit.transaction.get_channel_id()

    def get_creator(self):
        """The submitting identity, a serialized `msp.SerializedIdentity`."""
        return self._wit.transaction.get_creator()

    def get_transient(self):
        """Data for the endorsers only, a dict of bytes; it is not part of the transaction."""
        return self._wit.named(self._wit.transaction.get_transient())

    def get_tx_timestamp(self):
        """The client's time. Endorsers must agree, so there is no other clock."""
        return Timestamp(*self._wit.timestamp())

    def get_binding(self):
        """SHA-256 of nonce, creator and epoch; binds transient data to this proposal."""
        return self._wit.transaction.get_binding()

    def get_signed_proposal(self):
        """The proposal with the client's signature, as `proposal_bytes` and `signature`; None if
        the call has none."""
        return self._wit.transaction.get_signed_proposal()

    def get_decorations(self):
        """What the peer's decorators added, a dict of bytes."""
        return self._wit.named(self._wit.transaction.get_decorations())

    def get_peer_msp_id(self):
        """The MSP id of the peer. It differs between organizations: do not write it to the
        ledger."""
        return self._wit.peer_msp_id()

    # State.

    def get_state(self, key):
        """The committed value; None if the key does not exist."""
        return self._call(self._wit.state.get_state, key)

    def get_multiple_states(self, keys):
        """The values of `keys`, in their order; None for a key that does not exist."""
        return list(self._call(self._wit.state.get_multiple_states, rest=(texts(keys, "the keys"),)))

    def put_state(self, key, value):
        """Writes at commit; an empty value deletes the key."""
        self._call(self._wit.state.put_state, key, rest=(as_bytes(value, "the value"),))

    def del_state(self, key):
        """Deletes at commit; a missing key is no error."""
        self._call(self._wit.state.del_state, key)

    def get_state_metadata(self, key):
        """All metadata of a key, a dict of bytes."""
        return self._wit.named(self._call(self._wit.state.get_state_metadata, key))

    def put_state_metadata(self, key, name, value):
        """Replaces all metadata of the key at commit: afterwards it has this entry only."""
        value = as_bytes(value, "the value")
        entry = self._wit.entry(text(name, "the name"), value)
        self._call(self._wit.state.put_state_metadata, key, rest=(entry,))

    def get_state_validation_parameter(self, key):
        """The key's own endorsement policy, which `Policy.from_bytes` reads; None if the
        chaincode's applies."""
        return self._call(self._wit.state.get_state_validation_parameter, key)

    def set_state_validation_parameter(self, key, policy):
        """Sets the key's own endorsement policy, a `Policy` or its bytes; empty bytes remove it."""
        function = self._wit.state.set_state_validation_parameter
        self._call(function, key, rest=(policy_bytes(policy),))

    def start_write_batch(self):
        """From here on, writes may be held back and sent together, if the peer supports it.

        A refused write then fails in `finish_write_batch`, or ends the transaction; on other peers it
        fails itself. Catch neither: whoever goes on has other results on other peers.
        """
        self._wit.state.start_write_batch()

    def finish_write_batch(self):
        """Sends the writes that were held back."""
        self._call(self._wit.state.finish_write_batch)

    # Queries.

    def get_state_by_range(self, start, end):
        """The keys from `start` (included) to `end` (excluded). An empty start begins after the
        composite keys; an empty end reads to the end."""
        return self._rows(self._wit.query.get_state_by_range, start, end)

    def get_state_by_range_with_pagination(self, start, end, page_size, bookmark=""):
        """One page of a range, for transactions that write nothing."""
        function = self._wit.query.get_state_by_range_with_pagination
        return self._page(function, start, end, page_size=page_size, bookmark=bookmark)

    def get_state_by_partial_composite_key(self, object_type, attributes):
        """All composite keys that begin with `object_type` and `attributes`."""
        function = self._wit.query.get_state_by_partial_composite_key
        return self._rows(function, object_type, rest=(texts(attributes, "the attributes"),))

    def get_state_by_partial_composite_key_with_pagination(
        self, object_type, attributes, page_size, bookmark=""
    ):
        """One page of a partial composite key query, for transactions that write nothing."""
        function = self._wit.query.get_state_by_partial_composite_key_with_pagination
        return self._page(
            function,
            object_type,
            attributes=attributes,
            page_size=page_size,
            bookmark=bookmark,
        )

    def get_all_states_composite_key_with_pagination(self, page_size, bookmark=""):
        """One page of all composite keys, whatever their object type."""
        function = self._wit.query.get_all_states_composite_key_with_pagination
        return self._page(function, page_size=page_size, bookmark=bookmark)

    def get_query_result(self, query):
        """The rows that match a CouchDB selector. Not checked for phantoms at commit."""
        return self._rows(self._wit.query.get_query_result, query)

    def get_query_result_with_pagination(self, query, page_size, bookmark=""):
        """One page of a rich query, for transactions that write nothing."""
        function = self._wit.query.get_query_result_with_pagination
        return self._page(function, query, page_size=page_size, bookmark=bookmark)

    def get_history_for_key(self, key):
        """The changes of one key, newest first. Not checked at commit."""
        cursor = self._call(self._wit.query.get_history_for_key, key)
        return Rows(cursor, self._next, change_of)

    # Keys, calls, events, log.

    def create_composite_key(self, object_type, attributes):
        """A key of several parts."""
        return composite_key.create(object_type, attributes)

    def split_composite_key(self, key):
        """Object type and list of attributes of a composite key."""
        return composite_key.split(key)

    def invoke_chaincode(self, name, args, channel=""):
        """Runs another chaincode in this transaction; an empty `channel` is this one's.

        On the same channel its reads and writes become part of this transaction, even if it
        answers an error; on another channel it can only read. `ok()` of the response raises what
        was refused.
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
