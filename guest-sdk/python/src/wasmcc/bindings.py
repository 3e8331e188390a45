"""The names and shapes of the WIT package. Nothing else in this package knows them.

componentize-py makes the module `wit_world` of `wit/` when a component is built; it does not exist
anywhere else. Native tests have `wasmcc.mock` in its place.
"""

from .checks import readable
from .errors import PeerError

WORLD = "chaincode"
# The exported interface, which is the name of the class that componentize-py looks for.
EXPORT = "Contract"

INTERFACES = ("transaction", "state", "query", "private_data", "invocation", "event", "log")


class Bindings:
    """The imported interfaces, each a module or an object with its functions.

    `error` is the class of exceptions with which they refuse a call. The `value` of such an
    exception is a case of `types.error`.
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
        """A dict of a list of entries."""
        return {entry.name: entry.value for entry in entries}

    def entry(self, name, value):
        """An entry of a list."""
        return self.types.Entry(name, value)

    def timestamp(self):
        """Seconds and nanoseconds."""
        time = self.transaction.get_tx_timestamp()
        if time is None:
            raise PeerError("the proposal has no timestamp", "invalid-argument")
        return time.seconds, time.nanos

    def peer_msp_id(self):
        """The MSP id of the peer."""
        msp_id = self.transaction.get_peer_msp_id()
        if msp_id is None:
            raise PeerError("the peer has no MSP id", "unsupported")
        return msp_id

    def multiple_private_data(self, collection, keys):
        """The values of keys of a collection."""
        return self.call(self.private_data.get_multiple_private_data, collection, keys)

    def page(self, function, args, size, bookmark):
        """The rows of a page, their number, and the bookmark of the next page."""
        if size < 0:
            raise PeerError(f"the page size {size} is negative", "invalid-argument")
        page = self.call(function, *args, size, bookmark or None)
        # Without size and bookmark it is no page to the peer, and Fabric counts nothing.
        count = len(page.rows) if size or bookmark else 0
        return page.rows, count, page.bookmark or ""

    def invoke_chaincode(self, name, args, channel):
        """Status, message and payload. What the peer refuses has its reason as payload."""
        try:
            answer = self.invocation.invoke_chaincode(name, args, channel or None)
        except self.error as error:
            return 500, "", error.value.value.encode()
        return answer.status, answer.message, answer.payload

    def write_line(self, level, message, fields):
        """A line of the peer's log."""
        level = getattr(self.log.Level, level.upper())
        named = [self.log.Field(readable(name), readable(of)) for name, of in fields.items()]
        self.log.log(level, readable(message), named)

    def response(self, status, message, payload):
        """What the exports return."""
        return self.types.Response(status, message, payload)


def of_component():
    """The interfaces of the component that is being built."""
    import importlib

    from componentize_py_types import Err

    modules = {name: importlib.import_module(f"wit_world.imports.{name}") for name in INTERFACES}
    types = importlib.import_module("wit_world.imports.types")
    return Bindings(modules, types, Err)


def kind_of(refusal):
    """`invalid-argument` of an instance of `Error_InvalidArgument`, and so on."""
    name = type(refusal).__name__.rpartition("_")[2]
    return "".join("-" + c.lower() if c.isupper() else c for c in name).lstrip("-")
