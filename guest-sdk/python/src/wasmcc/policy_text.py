"""The text form of policies, as Fabric's tools accept it (fabric, common/policydsl, `FromString`).
"""

import re

from .errors import ContractError
from .policy import DEPTH, Policy, Role

_GATES = {"and": "AND", "or": "OR", "outof": "OutOf"}
_SPELLINGS = ("AND", "And", "and", "OR", "Or", "or", "OutOf", "OUTOF", "outof")


def parse(text):
    """Parses `GATE(P, P, ...)`: a gate is AND, OR or OutOf(n, ...), and P is a principal
    `'MSPID.role'` or a gate."""
    parser = _Parser(text)
    policy = parser.gate(0)
    parser.skip()
    if parser.at < len(text):
        parser.fail("expected nothing behind the policy")
    return policy


class _Parser:
    def __init__(self, text):
        self.text = text
        self.at = 0

    def gate(self, depth):
        start = self.skip()
        name = re.compile("[A-Za-z]*").match(self.text, start).group()
        if name not in _SPELLINGS:
            self.fail("expected AND(...), OR(...) or OutOf(n, ...)")
        if depth == DEPTH:
            self.fail("gates nest too deep")
        self.at += len(name)
        self.expect("(")
        kind, count = _GATES[name.lower()], 1
        if kind == "OutOf":
            count = self.count()
            self.expect(",")
        policies = [self.argument(depth)]
        while not self.eat(")"):
            self.expect(",")
            policies.append(self.argument(depth))
        if kind == "AND":
            count = len(policies)
        try:
            return Policy.out_of(count, *policies)
        except ContractError as error:
            self.at = start
            return self.fail(error.message)

    def argument(self, depth):
        start = self.skip()
        quoted = self.quoted()
        if quoted is None:
            return self.gate(depth + 1)
        found = re.fullmatch(r"([A-Za-z0-9.-]+)\.(member|admin|client|peer|orderer)", quoted)
        if not found:
            self.at = start
            self.fail(
                "expected a principal 'MSPID.role', its role member, admin, client, peer or orderer"
            )
        return Policy.signed_by(Role[found.group(2).upper()], found.group(1))

    def count(self):
        """Reads the first argument of OutOf, which Fabric also accepts in quotes."""
        start = self.skip()
        digits = self.quoted()
        if digits is None:
            digits = re.compile("[0-9]*").match(self.text, start).group()
            self.at += len(digits)
        if not re.fullmatch("[0-9]{1,9}", digits):
            self.at = start
            self.fail("expected how many of the rules have to hold")
        return int(digits)

    def quoted(self):
        """Reads a quoted text, if one is next."""
        start = self.skip()
        quote = self.text[start : start + 1]
        if quote not in ("'", '"'):
            return None
        end = self.text.find(quote, start + 1)
        if end < 0:
            self.fail("the quote is not closed")
        self.at = end + 1
        return self.text[start + 1 : end]

    def skip(self):
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1
        return self.at

    def eat(self, wanted):
        is_next = self.text.startswith(wanted, self.skip())
        self.at += is_next
        return is_next

    def expect(self, wanted):
        if not self.eat(wanted):
            self.fail(f"expected '{wanted}'")

    def fail(self, reason):
        raise ContractError(f"endorsement policy, column {self.at + 1}: {reason}", 400)
