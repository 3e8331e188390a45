"""The names and shapes of the WIT package. No other module of this package uses them.

componentize-py generates the module `wit_world` from `wit/` when a component is built; it does not
exist elsewhere. Native tests use `wasmcc.mock` instead.
"""

from .checks import readable
from .errors import PeerError

WORLD = "chaincode"
# The name of the exported interface, and of the class that componentize-py searches for.
EXPORT = "Contract"

INTERFACES = ("transaction", "state", "query", "private_data", "invocation", "event", "log")


class Bindings:
    """The imported interfaces, each a module or an object with its functions.

    `error` is the exception class of refused calls. The `value` of such an exception is a case of
    `types.error`.
    """

    def __init__(self, interfaces, types, error):
        for name in INTERFACES:
            setattr(self, name, interfaces[name])
        self.error = error
        self.types = types

    def call(self, function, *args):
        """Calls a function; a refusal becomes a `PeerError`."""
        try:
            return function(*args)
        except self.error as error:
            refusal = error.value
        raise PeerError(refusal.value, kind_of(refusal))

    def named(self, entries):
        """Returns a dict of a list of entries."""
        return {entry.name: entry.value for entry in entries}

    def entry(self, name, value):
        """Returns an entry of a list."""
        return self.types.Entry(name, value)

    def timestamp(self):
        """Returns seconds and nanoseconds."""
        time = self.transaction.get_tx_timestamp()
        if time is None:
            raise PeerError("the proposal has no timestamp", "invalid-argument")
        return time.seconds, time.nanos

    def peer_msp_id(self):
        """Returns the MSP id of the peer."""
        msp_id = self.transaction.get_peer_msp_id()
        if msp_id is None:
            raise PeerError("the peer has no MSP id", "unsupported")
        return msp_id

    def multiple_private_data(self, collection, keys):
        """Returns the values of keys of a collection."""
        return self.call(self.private_data.get_multiple_private_data, collection, keys)

    def page(self, function, args, size, bookmark):
        """Returns the rows of a page, their number, and the bookmark of the next page."""
        if size < 0:
            raise PeerError(f"the page size {size} is negative", "invalid-argument")
        page = self.call(function, *args, size, bookmark or None)
        # Without size and bookmark the peer returns all rows, and Fabric reports no count.
        count = len(page.rows) if size or bookmark else 0
        return page.rows, count, page.bookmark or ""

    def invoke_chaincode(self, name, args, channel):
        """Returns status, message and payload. For a refusal by the peer, the payload is the
        reason."""
        try:
            answer = self.invocation.invoke_chaincode(name, args, channel or None)
        except self.error as error:
            return 500, "", error.value.value.encode()
        return answer.status, answer.message, answer.payload

    def write_line(self, level, message, fields):
        """Writes a line to the peer's log."""
        level = getattr(self.log.Level, level.upper())
        named = [self.log.Field(readable(name), readable(of)) for name, of in fields.items()]
        self.log.log(level, readable(message), named)

    def response(self, status, message, payload):
        """Returns the result of an export."""
        return self.types.Response(status, message, payload)


def of_component():
    """Returns the interfaces of the component that is being built."""
    import importlib

    from componentize_py_types import Err

    modules = {name: importlib.import_module(f"wit_world.imports.{name}") for name in INTERFACES}
    types = importlib.import_module("wit_world.imports.types")
    return Bindings(modules, types, Err)


def kind_of(refusal):
    """Returns `invalid-argument` for an instance of `Error_InvalidArgument`, and so on."""
    name = type(refusal).__name__.rpartition("_")[2]
    return "".join("-" + c.lower() if c.isupper() else c for c in name).lstrip("-")
