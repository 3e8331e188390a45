"""Checks whether a peer accepts a key's policy, by the rules of the host."""

from .. import wire
from ..policy import DEPTH

# Maximum number of rules and of principals in a policy.
MOST = 4096


def is_readable(policy):
    """Returns true if bytes are a `common.SignaturePolicyEnvelope` that a peer can evaluate. All
    kinds of principals are accepted."""
    try:
        fields = _fields(policy, {1: int, 2: bytes, 3: bytes})
        rules = [value for number, value in fields if number == 2]
        principals = [value for number, value in fields if number == 3]
        _expect(rules and len(principals) <= MOST)
        for principal in principals:
            _fields(principal, {1: int, 2: bytes})
        _check_rule(rules[-1], len(principals), [MOST], 0)
    except ValueError:
        return False
    return True


def _fields(message, kinds):
    """Returns the fields of a message; known fields must have their kinds."""
    found = wire.fields(message)
    _expect(all(isinstance(value, kinds.get(number, object)) for number, value in found))
    return found


def _check_rule(rule, count, left, depth):
    """Checks that the rule and its inner rules name existing signers. If both kinds are set, the
    last one counts."""
    left[0] -= 1
    _expect(left[0] >= 0 and depth <= DEPTH)
    kinds = [field for field in wire.fields(rule) if field[0] in (1, 2)]
    _expect(kinds)
    number, value = kinds[-1]
    if number == 1:
        _expect(isinstance(value, int) and value < count)
        return
    _expect(isinstance(value, bytes))
    for number, inner in _fields(value, {1: int, 2: bytes}):
        if number == 2:
            _check_rule(inner, count, left, depth + 1)


def _expect(is_so):
    if not is_so:
        raise ValueError("not a policy")
