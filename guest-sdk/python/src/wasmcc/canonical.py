"""JSON whose bytes depend on the value only: sorted members, no blanks, as fabric-samples write it.

Endorsers compare what they write byte by byte.
"""

import itertools
import json
import re

from .errors import ContractError

# How deep arrays and objects may nest. At 1,200 levels the parser exhausts a component's stack, of
# which Python knows nothing; natively the codecs need two of Python's 1,000 frames for a level.
DEPTH = 400
TOO_DEEP = "it nests too deep"
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}
# Texts, even one without an end, and all else that is no bracket.
_BETWEEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[^][{}"]+', re.DOTALL)


def dumps(value):
    """The JSON of dicts, lists, texts, numbers, booleans and None, as bytes."""
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
        # Nobody could read it.
        raise refusal(TOO_DEEP)
    return data


def refusal(reason):
    """Why a value cannot be written."""
    return ContractError(f"the value has no JSON form: {reason}")


def loads(data):
    """Reads JSON; raises ValueError with a text that fits behind the name of a value."""
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
    # Most texts have fewer brackets.
    if text.count("[") + text.count("{") <= DEPTH:
        return False
    brackets = _BETWEEN.sub("", text)
    return max(itertools.accumulate(map(_STEPS.get, brackets)), default=0) > DEPTH


def _refuse(name):
    raise ValueError(f"{name} is not JSON")
