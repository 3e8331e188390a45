"""The first argument of every transaction function."""

import functools

from .codecs import read_json, write_json
from .errors import ContractError
from .identity import ClientIdentity


class Context:
    """A transaction: `stub` is the access to the ledger, `client_identity` the client. A contract
    may set its own class with `context_class`."""

    def __init__(self, stub):
        self.stub = stub

    @functools.cached_property
    def client_identity(self):
        """Returns the client that submits this transaction."""
        return ClientIdentity(self.stub.get_creator())

    def get(self, key, hint=None):
        """Returns the committed value, read as JSON of the type `hint`, or of any type; None if the
        key does not exist."""
        value = self.stub.get_state(key)
        return None if value is None else read_json(value, hint, f"value of {key}")

    def put(self, key, value):
        """Writes the canonical JSON of `value` at commit."""
        self.stub.put_state(key, write_json(value))

    def transient(self, name, hint=None):
        """Returns an entry of the transient data, read as JSON. Status 400 if it is missing or has
        another type. The message does not contain its data."""
        entry = self.stub.get_transient().get(name)
        if entry is None:
            raise ContractError(f"{name} is missing in the transient data", 400)
        try:
            return read_json(entry, hint)
        except ContractError:
            text = f"{name} in the transient data does not have the expected form"
            raise ContractError(text, 400) from None
