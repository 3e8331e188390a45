"""The names of the WIT package. Nothing else in this package knows them.

componentize-py makes the module `wit_world` of `wit/` when a component is built; it does not exist
anywhere else. Native tests have `wasmcc.mock` in its place.
"""

WORLD = "chaincode"
# The exported interface, which is the name of the class that componentize-py looks for.
EXPORT = "Contract"


class Bindings:
    """The imported interfaces, each a module or an object with the functions of the interface.

    `error` is the class of exceptions with which they refuse a call. The `value` of such an
    exception is a case of `types.error`.
    """

    INTERFACES = ("transaction", "state", "query", "private_data", "invocation", "event", "log")

    def __init__(self, interfaces, error, response):
        for name in self.INTERFACES:
            setattr(self, name, interfaces[name])
        self.error = error
        self.response = response


def of_component():
    """The interfaces of the component that is being built."""
    from componentize_py_types import Err
    from wit_world.imports import event, invocation, log, private_data, query, state, transaction
    from wit_world.imports.types import Response

    interfaces = {
        "transaction": transaction,
        "state": state,
        "query": query,
        "private_data": private_data,
        "invocation": invocation,
        "event": event,
        "log": log,
    }
    return Bindings(interfaces, Err, Response)


def kind_of(refusal):
    """`invalid-argument` of an instance of `Error_InvalidArgument`, and so on."""
    name = type(refusal).__name__.rpartition("_")[2]
    return "".join("-" + c.lower() if c.isupper() else c for c in name).lstrip("-")


def level_of(log, name):
    """A level of the interface `log`."""
    return getattr(log.Level, name.upper())
