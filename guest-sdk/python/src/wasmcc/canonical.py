"""JSON whose bytes depend only on the value: sorted members, no blanks, as in fabric-samples.

Endorsers compare their writes byte by byte.
"""

import itertools
import json
import re

from .errors import ContractError

# Maximum nesting of arrays and objects. At 1,200 levels the parser exhausts a component's stack,
# which Python does not notice. Natively the codecs need two of Python's 1,000 frames per level.
DEPTH = 400
TOO_DEEP = "it nests too deep"
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}
# Strings, even unterminated ones, and all else that is not a bracket.
_BETWEEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[^][{}"]+', re.DOTALL)


def dumps(value):
    """Returns the JSON of dicts, lists, texts, numbers, booleans and None, as bytes."""
    try:
        text = json.dumps(
            value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
        )
        data = text.encode()
    except RecursionError:
        raise refusal(TOO_DEEP) from None
    except (ValueError, TypeError) as error:
        raise refusal(error) from None
    if _is_deep(text):
        # No reader would accept it.
        raise refusal(TOO_DEEP)
    return data


def refusal(reason):
    """Returns the error of a value that cannot be written."""
    return ContractError(f"the value has no JSON form: {reason}")


def loads(data):
    """Parses JSON; raises ValueError with a text that fits behind the name of a value."""
    try:
        text = data if isinstance(data, str) else bytes(data).decode()
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    if _is_deep(text):
        raise ValueError(TOO_DEEP)
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None


def _is_deep(text):
    # Most texts have fewer brackets, so they need no exact count.
    if text.count("[") + text.count("{") <= DEPTH:
        return False
    brackets = _BETWEEN.sub("", text)
    return max(itertools.accumulate(map(_STEPS.get, brackets)), default=0) > DEPTH


def _refuse(name):
    raise ValueError(f"{name} is not JSON")
