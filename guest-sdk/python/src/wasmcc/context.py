"""What every transaction function gets as its first argument."""

import functools

from .codecs import read_json, write_json
from .errors import ContractError
from .identity import ClientIdentity


class Context:
    """A transaction: `stub` is the ledger, `client_identity` the client. A contract may have a
    class of its own, named by `context_class`."""

    def __init__(self, stub):
        self.stub = stub

    @functools.cached_property
    def client_identity(self):
        """The client that submits this transaction."""
        return ClientIdentity(self.stub.get_creator())

    def get(self, key, hint=None):
        """The committed value, read as JSON of the type `hint`, or of any type; None if the key
        does not exist."""
        value = self.stub.get_state(key)
        return None if value is None else read_json(value, hint, f"value of {key}")

    def put(self, key, value):
        """Writes the canonical JSON of `value` at commit."""
        self.stub.put_state(key, write_json(value))

    def transient(self, name, hint=None):
        """An entry of the transient data, read as JSON; status 400 if it is missing or something
        else. The message does not contain it."""
        entry = self.stub.get_transient().get(name)
        if entry is None:
            raise ContractError(f"{name} is missing in the transient data", 400)
        try:
            return read_json(entry, hint)
        except ContractError:
            text = f"{name} in the transient data is not what is expected"
            raise ContractError(text, 400) from None
