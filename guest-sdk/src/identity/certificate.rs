//! Reads the names and Fabric's attributes of an X.509 certificate.
//!
//! Does not verify certificates: the peer has done that.

use crate::base64;
use crate::identity::attributes;
use crate::identity::der::{BOOLEAN, Der, OCTETS, OID, SEQUENCE};
use crate::identity::name::Name;
use crate::read_json::ReadError;

/// 1.2.3.4.5.6.7.8.1, the extension with fabric-ca's attributes (fabric-chaincode-go, pkg/attrmgr).
const ATTRIBUTES: [u8; 8] = [0x2a, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x01];
const VERSION: u8 = 0xa0;
const ISSUER_ID: u8 = 0x81;
const SUBJECT_ID: u8 = 0x82;
const EXTENSIONS: u8 = 0xa3;

/// The parts of a certificate that are read.
pub(super) struct Certificate {
    pub(super) subject: Name,
    pub(super) issuer: Name,
    /// JSON; None if the certificate has no attributes.
    attributes: Option<Vec<u8>>,
}

impl Certificate {
    /// Parses the first PEM block of a text; None if it is not a certificate.
    pub(super) fn from_pem(text: &str) -> Option<Self> {
        let mut lines = text.lines().skip_while(|line| !line.starts_with("-----BEGIN "));
        lines.next()?;
        let mut body = String::new();
        for line in lines {
            if line.starts_with("-----END ") {
                return Self::from_der(&base64::decode(&body)?);
            }
            body.push_str(line);
        }
        None
    }

    fn from_der(der: &[u8]) -> Option<Self> {
        let mut outer = Der(der);
        let mut certificate = outer.expect(SEQUENCE)?;
        if !outer.is_empty() {
            return None;
        }
        let mut body = certificate.expect(SEQUENCE)?;
        body.take(VERSION)?;
        // Serial number and algorithm of the signature.
        body.next()?;
        body.next()?;
        let issuer = Name::parse(body.expect(SEQUENCE)?)?;
        // Validity.
        body.next()?;
        let subject = Name::parse(body.expect(SEQUENCE)?)?;
        // Public key.
        body.next()?;
        body.take(ISSUER_ID)?;
        body.take(SUBJECT_ID)?;
        let attributes = match body.take(EXTENSIONS)? {
            Some(mut extensions) => extension(extensions.expect(SEQUENCE)?)?,
            None => None,
        };
        Some(Self { subject, issuer, attributes: attributes.map(<[u8]>::to_vec) })
    }

    /// Returns one of Fabric's attributes.
    pub(super) fn attribute(&self, name: &str) -> Result<Option<String>, ReadError> {
        let Some(json) = &self.attributes else { return Ok(None) };
        attributes::find(json, name)
    }
}

/// Returns the attributes of the first extension that has any.
fn extension(mut extensions: Der<'_>) -> Option<Option<&[u8]>> {
    let mut found = None;
    while !extensions.is_empty() {
        let mut extension = extensions.expect(SEQUENCE)?;
        let oid = extension.expect(OID)?;
        extension.take(BOOLEAN)?;
        let value = extension.expect(OCTETS)?;
        if oid.0 == ATTRIBUTES && found.is_none() {
            found = Some(value.0);
        }
    }
    Some(found)
}
