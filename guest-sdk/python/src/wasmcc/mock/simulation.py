"""One transaction on the mock ledger and the peer's refusals in it, with the texts of Fabric's shim
and simulator."""

from dataclasses import dataclass, field

from . import rich
from .rich.documents import document_of

RANGE = "GET_STATE_BY_RANGE"
RICH = "GET_QUERY_RESULT"
NO_KEY = "invalid key. Empty string is not supported as a key by couchdb"


class Error_InvalidArgument:
    """A case of `types.error`."""

    def __init__(self, value):
        self.value = value


class Error_NotPermitted(Error_InvalidArgument):
    """A case of `types.error`."""


class Error_Unsupported(Error_InvalidArgument):
    """A case of `types.error`."""


class Refused(Exception):
    """The exception that componentize-py calls `Err`."""

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
    # True if `init` runs, which has no private data.
    is_init: bool = False
    event: object = None
    # Running chaincodes; the first one is the chaincode that the client called.
    running: list = field(default_factory=list)
    # Whether it has tried to write, has requested a page, and has queried private data.
    has_written: bool = False
    has_paged: bool = False
    has_queried_private: bool = False

    def outcome(self, name, payload, make):
        """Returns the result for the test."""
        writes, private = {}, {}
        for (namespace, collection, key), value in self.writes.items():
            if namespace == name:
                of = private.setdefault(collection, {}) if collection else writes
                of[key] = value
        reads = [key for namespace, key in self.reads if namespace == name]
        return make(self.tx_id, payload, self.event, writes, private, reads, self.log)


class Interface:
    """The interfaces of one chaincode in a transaction. `call` is the name of the peer's message.
    """

    def __init__(self, name, simulation):
        self._name = name
        self._tx = simulation

    def _refuse(self, call, cause, kind=Error_InvalidArgument):
        raise Refused(kind(f"{call} failed: transaction ID: {self._tx.tx_id}: {cause}"))

    def _check_key(self, call, key):
        # A peer with rich queries has CouchDB's rules.
        if not key:
            self._refuse(call, NO_KEY)
        if key.startswith("_"):
            self._refuse(call, f'invalid key [{key}], cannot begin with "_"')

    def _begin_write(self, call):
        done = "queries on pvt data" if self._tx.has_queried_private else "a paginated query"
        if self._tx.has_queried_private or self._tx.has_paged:
            words = f"Transaction has already performed {done}. Writes are not allowed"
            self._refuse_mixture(call, words)
        # A write that is refused because of its key or value counts, too.
        self._tx.has_written = True

    def _begin_page(self, call):
        self._begin_query(call, "Paginated queries are")
        self._tx.has_paged = True

    def _begin_private_query(self, call):
        self._begin_query(call, "Queries on pvt data is")
        self._tx.has_queried_private = True

    def _begin_query(self, call, what):
        if self._tx.has_written:
            self._refuse_mixture(call, f"{what} supported only in a read-only transaction")

    def _refuse_mixture(self, call, words):
        # The misspelling is Fabric's.
        cause = f"txid [{self._tx.tx_id}]: unsuppored transaction. {words}"
        self._refuse(call, cause, Error_NotPermitted)

    def _read(self, call, collection, key):
        self._check_key(call, key)
        return self._recorded(collection, key)

    def _recorded(self, collection, key):
        self._tx.reads.append((self._name, key))
        return self._tx.ledger.state.get((self._name, collection), {}).get(key)

    def _write(self, call, collection, key, value):
        self._begin_write(call)
        self._check_key(call, key)
        self._check_document(call, key, value)
        self._tx.writes[self._name, collection, key] = value or None

    def _check_document(self, call, key, value):
        document = document_of(value or b"")
        reserved = [name for name in document or () if name[:1] == "_" or name == "~version"]
        if reserved:
            cause = f"field [{min(reserved)}] is not valid for the CouchDB state database"
            self._refuse(call, cause)

    def _metadata(self, collection, key):
        # A private key is looked up by its hash.
        if not collection:
            self._check_key("GET_STATE_METADATA", key)
        return self._tx.ledger.metadata.get((self._name, collection, key), {})

    def _write_metadata(self, collection, key, entries):
        self._begin_write("PUT_STATE_METADATA")
        self._check_key("PUT_STATE_METADATA", key)
        self._tx.metadata[self._name, collection, key] = entries

    def _sorted(self, collection):
        state = self._tx.ledger.state.get((self._name, collection), {})
        return sorted(state.items(), key=lambda item: item[0].encode())

    def _rows(self, collection, start, end):
        """Returns the rows from `start` to before `end`; an empty `end` is open."""
        start, end = start.encode(), end.encode()
        return [
            row
            for row in self._sorted(collection)
            if start <= row[0].encode() and (not end or row[0].encode() < end)
        ]

    def _rich(self, collection, query, size=0, bookmark=""):
        """Returns the rows of a rich query, and the bookmark of the next page."""
        indexes = [] if collection else self._tx.ledger.indexes.get(self._name, [])
        try:
            parsed = rich.Query(query)
            return parsed.rows(self._sorted(collection), indexes, size, bookmark)
        except rich.Refusal as refusal:
            self._refuse(RICH, refusal)
        except rich.Unknown as unknown:
            self._refuse(RICH, unknown, Error_Unsupported)
