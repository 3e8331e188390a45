"""JSON whose bytes depend on the value only: sorted members, no blanks, as fabric-samples write it.

Endorsers compare what they write byte by byte.
"""

import json

from .errors import ContractError


def dumps(value):
    """The JSON of dicts, lists, texts, numbers, booleans and None, as bytes."""
    try:
        text = json.dumps(
            value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
        )
        return text.encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise ContractError(f"the value has no JSON form: {error}") from None


def loads(data):
    """Reads JSON; raises ValueError with a text that fits behind the name of a value."""
    try:
        text = data if isinstance(data, str) else bytes(data).decode()
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it nests too deep") from None


def _refuse(name):
    raise ValueError(f"{name} is not JSON")
