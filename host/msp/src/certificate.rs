//! An X.509 certificate, reduced to the parts that an MSP needs.
//!
//! Does not know organizations: a parsed certificate is not yet trusted. `x509` and `extensions`
//! check whether it is well-formed.

use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Name;

use crate::der::{BIT_STRING, SEQUENCE};
use crate::error::MspError;
use crate::extensions::UsageFault;
use crate::pem;
use crate::public_key::{CaAlgorithm, KeyFault, PublicKey};
use crate::signature::Signature;
use crate::x509::{self, Certificate};

/// A certificate of a member or a CA.
#[derive(Debug)]
pub(crate) struct MemberCertificate {
    /// The whole certificate in its canonical form: its signature has a low S.
    pub(crate) der: Vec<u8>,
    /// The subject as text.
    pub(crate) subject: String,
    /// The organizational units of the subject, in order.
    pub(crate) ous: Vec<String>,
    /// Seconds since 1970.
    pub(crate) not_before: i64,
    /// Seconds since 1970; the last second of validity.
    pub(crate) not_after: i64,
    pub(crate) key: PublicKey,
    /// Big endian, without leading zeros.
    pub(crate) serial: Vec<u8>,
    pub(crate) raw_subject: Vec<u8>,
    pub(crate) raw_issuer: Vec<u8>,
    pub(crate) usage: Usage,
    to_be_signed: Vec<u8>,
    algorithm: CaAlgorithm,
    signature: Vec<u8>,
    /// For an ECDSA signature: no bytes follow its numbers. Go refuses other ones in certificates.
    is_exact: bool,
}

/// The allowed uses of a certificate.
#[derive(Debug)]
pub(crate) struct Usage {
    /// The basic constraints mark this as a CA.
    pub(crate) is_ca: bool,
    /// The number of CAs allowed between this one and an identity.
    pub(crate) path_length: Option<u32>,
    /// The key usage allows signing certificates, or is absent.
    pub(crate) cert_sign: bool,
    /// The extended key usage does not exclude server authentication. Go's `Verify` requires that
    /// by default, and Fabric keeps the default (msp/mspimplvalidate.go, `getValidityOptsForCert`).
    pub(crate) server_auth: bool,
    /// The subject key identifier.
    pub(crate) key_id: Option<Vec<u8>>,
}

impl MemberCertificate {
    /// Reads the first PEM block, with any label, and ignores the rest, as Go's `pem.Decode` does.
    pub(crate) fn from_pem(text: &[u8]) -> Result<Self, MspError> {
        Self::from_der(&pem::decode(text).ok_or(MspError::Pem)?.contents)
    }

    pub(crate) fn from_der(der: &[u8]) -> Result<Self, MspError> {
        let parsed = x509::parse(der).map_err(MspError::X509)?;
        let subject = shown(parsed.raw_subject);
        let unsupported = |what| MspError::Unsupported { subject: subject.clone(), what };
        let key = PublicKey::of(parsed.key_algorithm, parsed.key).map_err(|fault| match fault {
            KeyFault::Malformed(fault) => MspError::X509(fault),
            KeyFault::Unsupported(what) => unsupported(what),
        })?;
        let usage = Usage::of(&parsed.extensions).map_err(|fault| match fault {
            UsageFault::Malformed(fault) => MspError::X509(fault),
            UsageFault::Unsupported(what) => unsupported(what),
        })?;
        let algorithm = CaAlgorithm::of(parsed.algorithm.oid);
        let mut is_exact = true;
        let mut canonical = None;
        if algorithm.is_ecdsa() {
            let signature = Signature::from_der(&parsed.signature)?;
            is_exact = signature.to_der() == parsed.signature;
            let low = signature.into_low_s(signature.curve()).to_der();
            canonical = (low != parsed.signature).then(|| with_signature(&parsed, &low));
        }
        Ok(Self {
            der: canonical.unwrap_or_else(|| der.to_vec()),
            ous: parsed.ous,
            not_before: parsed.not_before,
            not_after: parsed.not_after,
            key,
            serial: significant(parsed.serial),
            raw_subject: parsed.raw_subject.to_vec(),
            raw_issuer: parsed.raw_issuer.to_vec(),
            usage,
            to_be_signed: parsed.to_be_signed.to_vec(),
            algorithm,
            signature: parsed.signature,
            is_exact,
            subject,
        })
    }

    /// True if `issuer`'s key signed this certificate. Accepts a high S: CAs make such signatures,
    /// and Fabric normalizes certificates before it compares them (msp/cert.go,
    /// `sanitizeECDSASignedCert`).
    pub(crate) fn is_signed_by(&self, issuer: &Self) -> bool {
        self.is_exact && issuer.key.has_signed(self.algorithm, &self.to_be_signed, &self.signature)
    }

    /// True if its signature can be checked: ECDSA or RSA, with SHA-2.
    pub(crate) fn has_known_signature(&self) -> bool {
        matches!(self.algorithm, CaAlgorithm::Ecdsa(_) | CaAlgorithm::Rsa(_))
    }

    /// True if its signature is an ECDSA signature.
    pub(crate) fn has_ecdsa_signature(&self) -> bool {
        self.algorithm.is_ecdsa()
    }

    /// Number of bytes that the issuer signed.
    pub(crate) fn signed_len(&self) -> usize {
        self.to_be_signed.len()
    }

    pub(crate) fn is_valid_at(&self, time: i64) -> bool {
        (self.not_before..=self.not_after).contains(&time)
    }
}

/// A serial number without leading zeros, so that equal numbers have equal bytes.
pub(crate) fn significant(number: &[u8]) -> Vec<u8> {
    number.iter().copied().skip_while(|&digit| digit == 0).collect()
}

/// Returns the subject as text.
fn shown(raw_subject: &[u8]) -> String {
    match X509Name::from_der(raw_subject) {
        Ok((_, name)) => name.to_string(),
        Err(_) => "a name that cannot be shown".to_owned(),
    }
}

/// Replaces the signature of a certificate. Anyone can make variants of a certificate without the
/// CA's key; with a low S they are equal (Fabric: msp/cert.go, `sanitizeECDSASignedCert`).
fn with_signature(certificate: &Certificate<'_>, signature: &[u8]) -> Vec<u8> {
    let mut content = certificate.to_be_signed.to_vec();
    content.extend(certificate.algorithm.raw);
    push_header(&mut content, BIT_STRING, signature.len() + 1);
    content.push(0); // No unused bits.
    content.extend(signature);
    let mut der = Vec::with_capacity(content.len() + 6);
    push_header(&mut der, SEQUENCE, content.len());
    der.append(&mut content);
    der
}

/// Tag and length of a DER element.
fn push_header(out: &mut Vec<u8>, tag: u8, length: usize) {
    out.push(tag);
    let digits = significant(&length.to_be_bytes());
    if length >= 0x80 {
        out.push(0x80 | digits.len() as u8);
    }
    out.extend_from_slice(&digits);
}
