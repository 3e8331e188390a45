"""Certificates for clients of the mock ledger. Their signatures are not valid."""

import base64
import json

from .. import wire, x509

_ECDSA_SHA256 = bytes.fromhex("06082a8648ce3d040302")
_KEY = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")


def creator_of(msp_id, name, attributes=None, units=("client",)):
    """Returns an `msp.SerializedIdentity` of a client, with attributes as fabric-ca writes them."""
    pem = certificate_of(msp_id, name, attributes or {}, units)
    return wire.of_bytes(1, msp_id.encode()) + wire.of_bytes(2, pem.encode())


def certificate_of(organization, name, attributes, units):
    """Returns a certificate as PEM."""
    issuer = _name([(10, organization), (x509.COMMON_NAME, f"ca.{organization}")])
    subject = [(10, organization), *((x509.UNIT, unit) for unit in units)]
    subject = _name([*subject, (x509.COMMON_NAME, name)])
    validity = _tlv(0x30, _tlv(0x17, b"250101000000Z") + _tlv(0x17, b"350101000000Z"))
    key = _tlv(0x30, _KEY + _tlv(0x03, bytes(66)))
    body = _tlv(0xA0, _tlv(0x02, b"\x02")) + _tlv(0x02, b"\x01") + _tlv(0x30, _ECDSA_SHA256)
    body += issuer + validity + subject + key
    if attributes:
        value = json.dumps({"attrs": attributes}).encode()
        extension = _tlv(0x06, x509.ATTRIBUTES) + _tlv(0x04, value)
        body += _tlv(0xA3, _tlv(0x30, _tlv(0x30, extension)))
    signature = _tlv(0x30, _ECDSA_SHA256) + _tlv(0x03, bytes(9))
    der = _tlv(0x30, _tlv(0x30, body) + signature)
    text = base64.b64encode(der).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])


def _name(attributes):
    parts = b""
    for number, text in attributes:
        value = _tlv(0x06, bytes([0x55, 0x04, number])) + _tlv(0x0C, text.encode())
        parts += _tlv(0x31, _tlv(0x30, value))
    return _tlv(0x30, parts)


def _tlv(tag, contents):
    length = len(contents)
    if length < 0x80:
        return bytes([tag, length]) + contents
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + contents
