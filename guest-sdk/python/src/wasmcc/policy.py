"""Endorsement policies of keys, from typed parts or from text.

The bytes are equal to those of Fabric's tools and libraries for the same policy (fabric,
common/policydsl; fabric-chaincode-go, pkg/statebased).
"""

import enum

from . import wire
from .errors import ContractError

# Maximum depth of gates. A peer decodes 50 levels of messages.
DEPTH = 48


class Role(enum.Enum):
    """The role of a signer in its organization."""

    MEMBER = 0
    ADMIN = 1
    CLIENT = 2
    PEER = 3
    ORDERER = 4


class Policy:
    """The endorsements that a change of a key requires, for
    `stub.set_state_validation_parameter(key, policy)`.

    Every policy can be satisfied: no gate requires more endorsements than it has members.
    """

    def __init__(self, count, parts):
        # A signer is (role, MSP id); a gate is (number, policies).
        self._count = count
        self._parts = parts

    @classmethod
    def signed_by(cls, role, msp_id):
        """Requires one signer of this role in this organization."""
        return cls(None, (role, msp_id))

    @classmethod
    def organizations(cls, role, msp_ids):
        """Requires one signer of this role in each of these organizations, ordered by id, as
        Fabric's Go package `statebased` writes it."""
        parts = [cls.signed_by(role, msp_id) for msp_id in sorted(set(msp_ids))]
        return cls(len(parts), parts)

    @classmethod
    def all_of(cls, *policies):
        """Requires all of these."""
        return cls.out_of(len(policies), *policies)

    @classmethod
    def any_of(cls, *policies):
        """Requires any one of these."""
        return cls.out_of(1, *policies)

    @classmethod
    def out_of(cls, count, *policies):
        """Requires any `count` of these."""
        if not policies or not 0 <= count <= len(policies):
            raise ContractError(f"{count} out of {len(policies)} rules cannot be asked for", 400)
        gate = cls(count, list(policies))
        if gate._depth() > DEPTH:
            raise ContractError(f"gates nest deeper than {DEPTH}", 400)
        return gate

    @classmethod
    def parse(cls, text):
        """Parses the text form of Fabric's tools, as in `OR('Org1MSP.peer', 'Org2MSP.admin')`."""
        from .policy_text import parse

        return parse(text)

    @classmethod
    def from_bytes(cls, envelope):
        """Parses a serialized `common.SignaturePolicyEnvelope`, as
        `stub.get_state_validation_parameter` returns it."""
        try:
            return _decoded(envelope)
        except (ValueError, IndexError, TypeError, AttributeError):
            text = "the endorsement policy is not one of roles in organizations"
            raise ContractError(text) from None

    def __bytes__(self):
        """Returns the serialized `common.SignaturePolicyEnvelope`."""
        identities = []
        # An envelope's outermost rule is a gate.
        gate = self if self._count is not None else Policy(1, [self])
        rule = gate._encoded(identities)
        return wire.of_bytes(2, rule) + b"".join(wire.of_bytes(3, one) for one in identities)

    def msp_ids(self):
        """Returns the ids of the organizations in the policy, in their order."""
        if self._count is None:
            return [self._parts[1]]
        return sorted({msp_id for part in self._parts for msp_id in part.msp_ids()})

    def __str__(self):
        if self._count is None:
            role, msp_id = self._parts
            return f"'{msp_id}.{role.name.lower()}'"
        rules = ", ".join(map(str, self._parts))
        if self._count == 1:
            return f"OR({rules})"
        if self._count == len(self._parts):
            return f"AND({rules})"
        return f"OutOf({self._count}, {rules})"

    def __eq__(self, other):
        return isinstance(other, Policy) and bytes(self) == bytes(other)

    def __hash__(self):
        return hash(bytes(self))

    def __repr__(self):
        return f"Policy.parse({str(self)!r})"

    def _depth(self):
        if self._count is None:
            return 0
        return 1 + max((part._depth() for part in self._parts), default=0)

    def _encoded(self, identities):
        """Encodes a `common.SignaturePolicy`. The principals of inner gates come first, because
        Fabric evaluates a gate's arguments before the gate."""
        if self._count is None:
            identities.append(_principal(*self._parts))
            return wire.of_number(1, len(identities) - 1)
        gates = {
            index: part._encoded(identities)
            for index, part in enumerate(self._parts)
            if part._count is not None
        }
        gate = wire.of_number(1, self._count) if self._count else b""
        for index, part in enumerate(self._parts):
            rule = gates[index] if index in gates else part._encoded(identities)
            gate += wire.of_bytes(2, rule)
        return wire.of_bytes(2, gate)


def _principal(role, msp_id):
    """Encodes a `common.MSPPrincipal` of the classification ROLE."""
    of_role = wire.of_bytes(1, msp_id.encode())
    if role is not Role.MEMBER:
        of_role += wire.of_number(2, role.value)
    return wire.of_bytes(2, of_role)


def _decoded(envelope):
    rule, identities = None, []
    for number, value in wire.fields(envelope):
        if number == 1 and value != 0:
            raise ValueError("an unknown version")
        if number == 2:
            rule = value
        elif number == 3:
            identities.append(_decoded_principal(value))
    return _decoded_rule(rule, identities, 0)


def _decoded_rule(message, identities, depth):
    policy = None
    for number, value in wire.fields(message):
        if number == 1:
            policy = Policy.signed_by(*identities[value])
        elif number == 2 and depth < DEPTH:
            policy = _decoded_gate(value, identities, depth + 1)
        else:
            raise ValueError("an unknown rule")
    if policy is None:
        raise ValueError("an empty rule")
    return policy


def _decoded_gate(message, identities, depth):
    count, rules = 0, []
    for number, value in wire.fields(message):
        if number == 1:
            count = value
        elif number == 2:
            rules.append(_decoded_rule(value, identities, depth))
        else:
            raise ValueError("an unknown gate")
    if count > len(rules):
        raise ValueError("a gate that requires more than it has")
    return Policy(count, rules)


def _decoded_principal(message):
    of_role = None
    for number, value in wire.fields(message):
        if number == 2:
            of_role = value
        elif number != 1 or value != 0:
            raise ValueError("a principal that is not a role")
    role, msp_id = Role.MEMBER, ""
    for number, value in wire.fields(of_role):
        if number == 1:
            msp_id = value.decode()
        elif number == 2:
            role = Role(value)
    return role, msp_id
