"""Composite keys: several parts in one key, so that a query can select by the first parts.

A composite key is U+0000, the object type, and each attribute; each part ends with U+0000. Rules
and error texts are those of fabric-chaincode-go, shim/stub.go.
"""

from .checks import text, texts
from .errors import ContractError

SEPARATOR = "\0"
MAX = "\U0010ffff"


def create(object_type, attributes):
    """Returns the key of these parts."""
    parts = [text(object_type, "the object type"), *texts(attributes, "the attributes")]
    for part in parts:
        _check(part)
    return SEPARATOR + "".join(part + SEPARATOR for part in parts)


def split(key):
    """Returns the object type and the list of attributes of a key."""
    if len(key) < 2 or key[0] != SEPARATOR or key[-1] != SEPARATOR:
        raise ContractError(f"[{key}] is not a composite key")
    object_type, *attributes = key[1:-1].split(SEPARATOR)
    return object_type, attributes


def _check(part):
    for index, letter in enumerate(part):
        if letter in (SEPARATOR, MAX):
            position = len(part[:index].encode())
            raise ContractError(
                f"input contains unicode U+{ord(letter):04X} starting at position [{position}]. "
                "U+0000 and U+10FFFF are not allowed in the input attribute of a composite key"
            )
