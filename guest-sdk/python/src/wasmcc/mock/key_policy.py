"""Which policies of keys a peer takes: the same ones as the host."""

from .. import wire
from ..policy import DEPTH

# How many rules and principals a policy may have.
MOST = 4096


def is_readable(policy):
    """Whether bytes are a `common.SignaturePolicyEnvelope` that a peer can evaluate, whatever
    principals it names."""
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
    """The fields of a message, those that are known of their kinds."""
    found = wire.fields(message)
    _expect(all(isinstance(value, kinds.get(number, object)) for number, value in found))
    return found


def _check_rule(rule, count, left, depth):
    """It and its inner rules name signers that are there. The last of its two kinds holds."""
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
