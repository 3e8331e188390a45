"""The client that submits a transaction, with the functions of Fabric's `cid` library."""

import base64
import functools
import json

from . import wire, x509
from .errors import ContractError


class ClientIdentity:
    """The client's organization and certificate. The peer has verified both."""

    def __init__(self, creator):
        """Parses an `msp.SerializedIdentity`."""
        self._msp_id = self._certificate = ""
        try:
            for number, value in wire.fields(creator):
                if number == 1:
                    self._msp_id = value.decode()
                elif number == 2:
                    self._certificate = value.decode()
        except (ValueError, AttributeError):
            raise ContractError("the creator is not a SerializedIdentity") from None

    def get_msp_id(self):
        """Returns the MSP id of the client's organization, such as `Org1MSP`."""
        return self._msp_id

    def get_id(self):
        """Returns base64 of `x509::` subject `::` issuer, as Fabric's `GetID` does. It is unique
        within the organization and stays the same when the certificate is renewed."""
        text = f"x509::{self._parsed.subject}::{self._parsed.issuer}"
        return base64.b64encode(text.encode()).decode()

    def get_certificate(self):
        """Returns the client's X.509 certificate as PEM."""
        return self._certificate

    def get_subject(self):
        """Returns the distinguished name of the client, such as `CN=User1,OU=client,O=Org1`."""
        return str(self._parsed.subject)

    def get_issuer(self):
        """Returns the distinguished name of the authority that issued the client's certificate."""
        return str(self._parsed.issuer)

    def get_common_name(self):
        """Returns the common name of the client, such as `User1`; None without one."""
        return self._parsed.subject.common_name()

    def get_organizational_units(self):
        """Returns the organizational units of the client, such as `client` and `department1`."""
        return self._parsed.subject.all(x509.UNIT)

    def has_organizational_unit(self, unit):
        """Returns true if the client is in this unit (Fabric: `HasOUValue`)."""
        return unit in self.get_organizational_units()

    def get_attribute_value(self, name):
        """Returns an attribute that fabric-ca wrote into the certificate; None if it does not
        exist."""
        return self._attributes.get(name)

    def assert_attribute_value(self, name, value):
        """Refuses a client whose certificate lacks this value of an attribute: status 403 with
        Fabric's text."""
        found = self.get_attribute_value(name)
        if found is None:
            raise ContractError(f"attribute '{name}' was not found", 403)
        if found != value:
            raise ContractError(f"attribute '{name}' equals '{found}', not '{value}'", 403)

    @functools.cached_property
    def _parsed(self):
        try:
            return x509.from_pem(self._certificate)
        except ValueError as error:
            text = f"the client's certificate is not an X.509 one as PEM: {error}"
            raise ContractError(text) from None

    @functools.cached_property
    def _attributes(self):
        if self._parsed.attributes is None:
            return {}
        broken = "failed to unmarshal attributes from certificate"
        try:
            attributes = json.loads(self._parsed.attributes).get("attrs") or {}
        except (ValueError, AttributeError) as error:
            raise ContractError(f"{broken}: {error}") from None
        if not isinstance(attributes, dict) or not all(
            isinstance(value, str) for value in attributes.values()
        ):
            raise ContractError(f"{broken}: attrs is not an object of texts")
        return attributes
