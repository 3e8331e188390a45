//! The client that submits a transaction, with the functions of Fabric's `cid` library.
//!
//! Does not check certificates: the peer has verified the identity.

mod attributes;
mod certificate;
mod der;
mod name;

use crate::wire::Field;
use crate::{Error, Result, base64, wire};
use certificate::Certificate;

/// The client's identity: its organization and its certificate.
///
/// Each method that needs the certificate parses it again.
///
/// ```
/// use wasmcc_sdk::{Context, Result};
/// fn only_auditors(ctx: &Context) -> Result<String> {
///     let client = ctx.client_identity()?;
///     client.assert_attribute("role", "auditor")?;
///     client.id()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIdentity {
    msp_id: String,
    certificate: String,
}

impl ClientIdentity {
    /// Returns the MSP id of the client's organization, such as `Org1MSP`.
    pub fn msp_id(&self) -> &str {
        &self.msp_id
    }

    /// Returns the client's X.509 certificate as PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Returns the id that Fabric's `GetID` returns: base64 of `x509::` subject `::` issuer. It is
    /// unique within the organization and stays the same when the certificate is renewed.
    ///
    /// # Errors
    /// The certificate cannot be read.
    pub fn id(&self) -> Result<String> {
        let certificate = self.parsed()?;
        let id = format!("x509::{}::{}", certificate.subject.to_dn(), certificate.issuer.to_dn());
        Ok(base64::encode(id.as_bytes()))
    }

    /// Returns the distinguished name of the client, such as `CN=User1,OU=client,O=Org1`.
    ///
    /// # Errors
    /// The certificate cannot be read.
    pub fn subject(&self) -> Result<String> {
        Ok(self.parsed()?.subject.to_dn())
    }

    /// Returns the distinguished name of the authority that issued the client's certificate.
    ///
    /// # Errors
    /// The certificate cannot be read.
    pub fn issuer(&self) -> Result<String> {
        Ok(self.parsed()?.issuer.to_dn())
    }

    /// Returns the common name of the client, such as `User1`.
    ///
    /// # Errors
    /// The certificate cannot be read.
    pub fn common_name(&self) -> Result<Option<String>> {
        Ok(self.parsed()?.subject.common_name().map(str::to_owned))
    }

    /// Returns the organizational units of the client, such as `client` and `department1`.
    ///
    /// # Errors
    /// The certificate cannot be read.
    pub fn organizational_units(&self) -> Result<Vec<String>> {
        Ok(self.parsed()?.subject.units().map(str::to_owned).collect())
    }

    /// Returns true if the client is in an organizational unit (Fabric: `HasOUValue`).
    ///
    /// # Errors
    /// The certificate cannot be read.
    pub fn has_organizational_unit(&self, unit: &str) -> Result<bool> {
        Ok(self.parsed()?.subject.units().any(|of| of == unit))
    }

    /// Returns an attribute that fabric-ca wrote into the certificate (Fabric:
    /// `GetAttributeValue`).
    ///
    /// # Errors
    /// The certificate cannot be read.
    pub fn attribute(&self, name: &str) -> Result<Option<String>> {
        self.parsed()?.attribute(name).map_err(|error| {
            Error::internal(format!("failed to unmarshal attributes from certificate: {error}"))
        })
    }

    /// Refuses a client whose certificate lacks this value of an attribute (Fabric:
    /// `AssertAttributeValue`).
    ///
    /// # Errors
    /// Status 403 with Fabric's text, or the certificate cannot be read.
    pub fn assert_attribute(&self, name: &str, value: &str) -> Result<()> {
        match self.attribute(name)? {
            Some(found) if found == value => Ok(()),
            Some(found) => {
                Err(Error::forbidden(format!("attribute '{name}' equals '{found}', not '{value}'")))
            }
            None => Err(Error::forbidden(format!("attribute '{name}' was not found"))),
        }
    }

    fn parsed(&self) -> Result<Certificate> {
        Certificate::from_pem(&self.certificate)
            .ok_or_else(|| Error::internal("the client's certificate is not an X.509 one as PEM"))
    }

    /// Parses a `msp.SerializedIdentity`: field 1 is the MSP id, field 2 the certificate as PEM.
    pub(crate) fn parse(creator: &[u8]) -> Result<Self> {
        let broken = || Error::internal("the creator is not a SerializedIdentity");
        let fields = wire::fields(creator).ok_or_else(broken)?;
        let mut identity = Self { msp_id: String::new(), certificate: String::new() };
        for field in fields {
            match field {
                (1, Field::Bytes(id)) => identity.msp_id = String::from_utf8(id.to_vec())?,
                (2, Field::Bytes(pem)) => identity.certificate = String::from_utf8(pem.to_vec())?,
                (1 | 2, Field::Number(_)) => return Err(broken()),
                _ => {}
            }
        }
        Ok(identity)
    }
}

#[cfg(test)]
mod tests;
