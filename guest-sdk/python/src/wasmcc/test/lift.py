"""Answers of the program as Python has them: members are attributes, bytes are bytes."""

import json
from types import SimpleNamespace

# Members that are bytes.
_BYTES = ("payload", "value", "key_hash", "value_hash", "pvt_rwset_hash")
# Members whose own names are those of the ledger: namespaces and collections.
_NAMED = ("rwset", "collections")


class Answer(SimpleNamespace):
    """What an answer says."""

    def text(self):
        """The payload of the response as text."""
        return self._response().payload.decode()

    def json(self):
        """The payload of the response, read as JSON."""
        return json.loads(self._response().payload)

    def _response(self):
        return getattr(self, "endorsed", self).response


def lift(value, blobs):
    """Puts bytes where a message has the numbers of its pieces."""
    if isinstance(value, list):
        return [lift(member, blobs) for member in value]
    if not isinstance(value, dict):
        return value
    return Answer(**{name: _member(name, member, blobs) for name, member in value.items()})


def _member(name, member, blobs):
    if name in _BYTES and isinstance(member, int):
        return blobs[member]
    if name == "entries":
        return [(entry, blobs[number]) for entry, number in member]
    if name in _NAMED and member is not None:
        return {key: lift(of_key, blobs) for key, of_key in member.items()}
    return lift(member, blobs)
