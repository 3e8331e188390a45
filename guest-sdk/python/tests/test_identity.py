"""Clients, their certificates and policies."""

import base64

import pytest

from wasmcc import ClientIdentity, ContractError, Policy, Role, wire, x509
from wasmcc.mock import creator_of


def test_a_client_has_the_answers_of_fabrics_cid():
    client = ClientIdentity(creator_of("Org1MSP", "ann", {"role": "auditor"}, ["client", "dep"]))
    assert client.get_msp_id() == "Org1MSP"
    assert client.get_common_name() == "ann"
    assert client.get_subject() == "CN=ann,OU=client+OU=dep,O=Org1MSP"
    assert client.get_issuer() == "CN=ca.Org1MSP,O=Org1MSP"
    found = base64.b64decode(client.get_id()).decode()
    assert found == f"x509::{client.get_subject()}::{client.get_issuer()}"
    assert client.get_organizational_units() == ["client", "dep"]
    assert client.has_organizational_unit("dep") and not client.has_organizational_unit("x")
    assert client.get_attribute_value("role") == "auditor"
    assert client.get_attribute_value("none") is None
    client.assert_attribute_value("role", "auditor")
    assert client.get_certificate().startswith("-----BEGIN CERTIFICATE-----\n")


def test_a_client_without_the_attribute_is_forbidden():
    client = ClientIdentity(creator_of("Org1MSP", "ann", {"role": "clerk"}))
    with pytest.raises(ContractError) as caught:
        client.assert_attribute_value("role", "auditor")
    assert (caught.value.status, str(caught.value)) == (
        403,
        "attribute 'role' equals 'clerk', not 'auditor'",
    )
    with pytest.raises(ContractError, match="attribute 'x' was not found"):
        client.assert_attribute_value("x", "y")
    assert ClientIdentity(creator_of("A", "b")).get_attribute_value("role") is None


def test_names_are_escaped_as_go_does():
    client = ClientIdentity(creator_of("Org1MSP", '#a, "b" <c>\\ '))
    assert client.get_subject().startswith('CN=\\#a\\, \\"b\\" \\<c\\>\\\\\\ ,')


def test_bytes_that_are_no_identity_are_errors_and_nothing_else():
    creator = creator_of("Org1MSP", "ann", {"role": "x"})
    for length in range(len(creator)):
        try:
            client = ClientIdentity(creator[:length])
            client.get_id()
        except ContractError:
            pass
    der = base64.b64decode("".join(_pem(creator).splitlines()[1:-1]))
    for at in range(len(der)):
        for flip in (0x01, 0x80, 0xFF):
            broken = bytearray(der)
            broken[at] ^= flip
            try:
                str(x509.from_der(bytes(broken)).subject)
            except ValueError:
                pass
    for text in ("", "x", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----"):
        with pytest.raises(ContractError, match="not an X.509 one as PEM"):
            ClientIdentity(wire.of_bytes(2, text.encode())).get_id()


def _pem(creator):
    return dict(wire.fields(creator))[2].decode()


@pytest.mark.parametrize(
    "text",
    [
        "OR('Org1MSP.peer', AND('Org2MSP.member', 'Org3MSP.admin'))",
        "OutOf(2, 'A.client', 'B.orderer', 'C.peer')",
        "AND('a.b-c.peer', 'A.member')",
    ],
)
def test_a_policy_is_read_as_it_was_written(text):
    policy = Policy.parse(text)
    assert str(policy) == text
    assert Policy.from_bytes(bytes(policy)) == policy


def test_policies_have_the_bytes_of_fabrics_tools():
    envelope = bytes(Policy.organizations(Role.PEER, ["Org2MSP", "Org1MSP"]))
    parsed = Policy.parse("AND('Org1MSP.peer', 'Org2MSP.peer')")
    assert envelope == bytes(parsed)
    assert envelope.hex() == (
        "120c12 0a 0802 1202 0800 1202 0801".replace(" ", "")
        + "1a0d120b0a074f7267314d53501003"
        + "1a0d120b0a074f7267324d53501003"
    )
    assert parsed.msp_ids() == ["Org1MSP", "Org2MSP"]
    one = Policy.signed_by(Role.MEMBER, "A")
    assert str(Policy.from_bytes(bytes(one))) == "OR('A.member')"


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "column 1: expected AND"),
        ("OR()", "column 4: expected AND"),
        ("OR('A.peer'", "expected ','"),
        ("OR('A.peer') x", "column 14: expected nothing behind"),
        ("OR('A.boss')", "column 4: expected a principal"),
        ("OR('A.peer)", "the quote is not closed"),
        ("OutOf(3, 'A.peer')", "column 1: 3 out of 1 rules"),
        ("OR(" * 60 + "'A.peer'" + ")" * 60, "nest too deep"),
    ],
)
def test_a_text_that_is_no_policy_is_refused_with_its_place(text, words):
    with pytest.raises(ContractError) as caught:
        Policy.parse(text)
    assert caught.value.status == 400 and words in str(caught.value)


def test_bytes_that_are_no_policy_are_refused():
    good = bytes(Policy.parse("OR('A.peer', 'B.peer')"))
    for bad in (b"", b"\xff", good[:-1], b"\x08\x01" + good, b"\x12\x02\x08\x05"):
        with pytest.raises(ContractError):
            Policy.from_bytes(bad)
