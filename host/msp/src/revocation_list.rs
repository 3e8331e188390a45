//! The revocation lists of CAs.
//!
//! Does not check whether a CA of the organization signed the list: `trust` does.

use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

use crate::certificate::significant;
use crate::error::{MspError, X509Fault};
use crate::pem;
use crate::public_key::{CaAlgorithm, PublicKey};

/// A revocation list that identifies its CA.
pub(crate) struct RevocationList {
    /// The key identifier of the CA.
    pub(crate) key_id: Vec<u8>,
    /// Revoked serial numbers, big endian, without leading zeros.
    pub(crate) serials: Vec<Vec<u8>>,
    to_be_signed: Vec<u8>,
    algorithm: CaAlgorithm,
    signature: Vec<u8>,
}

impl RevocationList {
    /// Reads PEM or DER (Go: crypto/x509, `ParseCRL`).
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, MspError> {
        let fault = |text| MspError::X509(X509Fault::new(text));
        let pem = match bytes.starts_with(b"-----BEGIN X509 CRL") {
            true => pem::decode(bytes).filter(|block| block.label == b"X509 CRL"),
            false => None,
        };
        let der = pem.as_ref().map_or(bytes, |block| &block.contents);
        let (rest, list) =
            CertificateRevocationList::from_der(der).map_err(|_| fault("x509: malformed crl"))?;
        if !rest.is_empty() {
            return Err(fault("x509: trailing data after CRL"));
        }
        let key_id =
            list.extensions().iter().find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::AuthorityKeyIdentifier(id) => id.key_identifier.as_ref(),
                _ => None,
            });
        // Fabric accepts a list without one, but then refuses every identity.
        let key_id = key_id.ok_or(MspError::NoAuthorityKeyId)?.0.to_vec();
        let algorithm = CaAlgorithm::of(list.signature_algorithm.algorithm.as_bytes());
        if matches!(algorithm, CaAlgorithm::WeakEcdsa | CaAlgorithm::Unknown) {
            return Err(MspError::ListAlgorithm);
        }
        let serials = list.iter_revoked_certificates().map(|entry| entry.raw_serial());
        // Negative serial numbers match no certificate.
        let serials = serials.filter(|serial| serial.first() < Some(&0x80));
        Ok(Self {
            key_id,
            serials: serials.map(significant).collect(),
            to_be_signed: list.tbs_cert_list.as_ref().to_vec(),
            algorithm,
            signature: list.signature_value.data.to_vec(),
        })
    }

    /// Number of bytes that the CA signed.
    pub(crate) fn signed_len(&self) -> usize {
        self.to_be_signed.len()
    }

    pub(crate) fn is_signed_by(&self, key: &PublicKey) -> bool {
        key.has_signed(self.algorithm, &self.to_be_signed, &self.signature)
    }
}
