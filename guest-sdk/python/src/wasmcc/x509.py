"""Reads the names and Fabric's attributes of an X.509 certificate.

Does not verify certificates: the peer has done that.
"""

import base64
import binascii
from dataclasses import dataclass

# 1.2.3.4.5.6.7.8.1, the extension with fabric-ca's attributes (fabric-chaincode-go, pkg/attrmgr).
ATTRIBUTES = bytes([0x2A, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x01])
BOOLEAN, OCTETS, OID, SEQUENCE, SET = 0x01, 0x04, 0x06, 0x30, 0x31
VERSION, ISSUER_ID, SUBJECT_ID, EXTENSIONS = 0xA0, 0x81, 0x82, 0xA3

COMMON_NAME, SERIAL_NUMBER, UNIT = 3, 5, 11
# Short names of the attributes that Go knows (`crypto/x509/pkix`, `Name`), by the last number of
# their object identifiers 2.5.4.x. Go writes them in this order and omits all others.
KNOWN = (
    (SERIAL_NUMBER, "SERIALNUMBER"),
    (COMMON_NAME, "CN"),
    (UNIT, "OU"),
    (10, "O"),
    (17, "POSTALCODE"),
    (9, "STREET"),
    (7, "L"),
    (8, "ST"),
    (6, "C"),
)


class Der:
    """A sequence of ASN.1 values in DER. Bytes that are not DER raise ValueError."""

    def __init__(self, data):
        self._data = data
        self._at = 0

    def __bool__(self):
        return self._at < len(self._data)

    @property
    def rest(self):
        """Returns the unread bytes."""
        return self._data[self._at :]

    def next(self):
        """Returns tag and contents of the next value. Refuses tags of several bytes, and lengths
        that are indefinite or not in their shortest form: certificates never have them."""
        tag, first = self._byte(), self._byte()
        if tag & 0x1F == 0x1F:
            raise ValueError("a tag of several bytes")
        length = first
        if first >= 0x80:
            count = first & 0x7F
            if not 1 <= count <= 3:
                raise ValueError("a length that is indefinite or too long")
            length = 0
            for _ in range(count):
                length = length << 8 | self._byte()
            if length < max(1 << 8 * (count - 1), 0x80):
                raise ValueError("a length that is not the shortest")
        end = self._at + length
        if end > len(self._data):
            raise ValueError("a value exceeds its container")
        contents, self._at = self._data[self._at : end], end
        return tag, Der(contents)

    def expect(self, tag):
        """Returns the contents of the next value, which must have this tag."""
        found, contents = self.next()
        if found != tag:
            raise ValueError(f"a value of tag {found:#x} instead of {tag:#x}")
        return contents

    def take(self, tag):
        """Returns the contents of an optional value; None if another value is next."""
        return self.expect(tag) if self and self._data[self._at] == tag else None

    def _byte(self):
        if not self:
            raise ValueError("a value without an end")
        byte = self._data[self._at]
        self._at += 1
        return byte


class Name:
    """The attributes of a distinguished name with identifiers 2.5.4.x."""

    def __init__(self, der):
        self._attributes = []
        while der:
            parts = der.expect(SET)
            while parts:
                part = parts.expect(SEQUENCE)
                oid = part.expect(OID).rest
                tag, value = part.next()
                text = _text(tag, value.rest)
                if len(oid) == 3 and oid[:2] == b"\x55\x04":
                    self._attributes.append((oid[2], text))

    def all(self, number):
        """Returns the values of an attribute, in the order of the certificate."""
        return [value for of, value in self._attributes if of == number]

    def common_name(self):
        """Returns the last common name, as in Go; None if there is none."""
        return next(reversed(self.all(COMMON_NAME)), None)

    def __str__(self):
        """Formats the name like fabric-chaincode-go (pkg/cid/cid.go, `getDN`)."""
        groups = []
        for number, short in KNOWN:
            values = self.all(number)
            if number in (COMMON_NAME, SERIAL_NUMBER):
                values = [value for value in values[-1:] if value]
            if values:
                groups.append("+".join(f"{short}={_escaped(value)}" for value in values))
        return ",".join(groups)


@dataclass(frozen=True)
class Certificate:
    """The parts of a certificate that are read."""

    subject: Name
    issuer: Name
    # JSON of fabric-ca; None if the certificate has no attributes.
    attributes: object


def from_pem(text):
    """Parses the certificate in the first PEM block of a text; raises ValueError if there is none.
    """
    body = None
    for line in text.splitlines():
        if line.startswith("-----BEGIN "):
            body = []
        elif line.startswith("-----END ") and body is not None:
            try:
                return from_der(base64.b64decode("".join(body), validate=True))
            except binascii.Error as error:
                raise ValueError(str(error)) from None
        elif body is not None:
            body.append(line.strip())
    raise ValueError("no PEM block")


def from_der(data):
    """Parses a certificate; raises ValueError for other bytes."""
    outer = Der(data)
    body = outer.expect(SEQUENCE)
    if outer:
        raise ValueError("something follows the certificate")
    body = body.expect(SEQUENCE)
    body.take(VERSION)
    # Serial number and algorithm of the signature.
    body.next()
    body.next()
    issuer = Name(body.expect(SEQUENCE))
    # Validity.
    body.next()
    subject = Name(body.expect(SEQUENCE))
    # Public key.
    body.next()
    body.take(ISSUER_ID)
    body.take(SUBJECT_ID)
    extensions = body.take(EXTENSIONS)
    attributes = _attributes(extensions.expect(SEQUENCE)) if extensions else None
    return Certificate(subject, issuer, attributes)


def _attributes(extensions):
    found = None
    while extensions:
        extension = extensions.expect(SEQUENCE)
        oid = extension.expect(OID).rest
        extension.take(BOOLEAN)
        value = extension.expect(OCTETS).rest
        if oid == ATTRIBUTES and found is None:
            found = value
    return found


def _escaped(value):
    letters = []
    for index, letter in enumerate(value):
        at_rim = index == 0 or index == len(value) - 1
        if letter in ',+"\\<>;' or letter == " " and at_rim or letter == "#" and index == 0:
            letters.append("\\")
        letters.append(letter)
    return "".join(letters)


def _text(tag, data):
    """Decodes an ASN.1 string as Go does (`crypto/x509/parser.go`, `parseASN1String`)."""
    if tag == 0x0C:
        return data.decode()
    if tag == 0x12 and all(byte in b"0123456789 " for byte in data):
        return data.decode("ascii")
    if tag == 0x13 and all(chr(byte).isalnum() or byte in b" '()+,-./:=?*&" for byte in data):
        return data.decode("ascii")
    if tag == 0x14:
        return data.decode("latin-1")
    if tag == 0x16:
        return data.decode("ascii")
    if tag == 0x1E and len(data) % 2 == 0:
        return data.removesuffix(b"\0\0").decode("utf-16-be", "replace")
    raise ValueError(f"a text of tag {tag:#x} that cannot be read")
