"""Converts answers of the program to Python: members become attributes, pieces become bytes."""

import json
from types import SimpleNamespace

# Members that are bytes.
_BYTES = ("payload", "value", "key_hash", "value_hash", "pvt_rwset_hash")
# Members whose own members are named by the ledger: namespaces and collections.
_NAMED = ("rwset", "collections")


class Answer(SimpleNamespace):
    """The members of an answer."""

    def text(self):
        """Returns the payload of the response as text."""
        return self._response().payload.decode()

    def json(self):
        """Returns the payload of the response, read as JSON."""
        return json.loads(self._response().payload)

    def _response(self):
        return getattr(self, "endorsed", self).response


def lift(value, blobs):
    """Replaces numbers of pieces in a message by the bytes."""
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
