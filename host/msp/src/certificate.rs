//! An X.509 certificate, reduced to what an MSP needs of it.
//!
//! Does not know organizations: a parsed certificate is not yet trusted.

use x509_parser::certificate::X509Certificate;
use x509_parser::error::{PEMError, X509Error};
use x509_parser::extensions::ParsedExtension;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::FromDer;

use crate::error::MspError;
use crate::public_key::{CaAlgorithm, PublicKey};
use crate::signature::Signature;

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
    /// Reads the first PEM block and ignores the rest, as Go's `pem.Decode` does.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, MspError> {
        let (_, block) = parse_x509_pem(pem).map_err(|error| match error {
            x509_parser::nom::Err::Error(error) | x509_parser::nom::Err::Failure(error) => {
                MspError::Pem(error)
            }
            x509_parser::nom::Err::Incomplete(_) => MspError::Pem(PEMError::IncompletePEM),
        })?;
        Self::from_der(&block.contents)
    }

    pub(crate) fn from_der(der: &[u8]) -> Result<Self, MspError> {
        let x509 = |error: x509_parser::nom::Err<X509Error>| MspError::X509(error.into());
        let (rest, parsed) = X509Certificate::from_der(der).map_err(x509)?;
        if !rest.is_empty() {
            return Err(MspError::X509(X509Error::InvalidCertificate));
        }
        let tbs = &parsed.tbs_certificate;
        let subject = tbs.subject.to_string();
        let unsupported = |what| MspError::Unsupported { subject: subject.clone(), what };
        let algorithm = CaAlgorithm::of(&parsed.signature_algorithm)
            .filter(|algorithm| CaAlgorithm::of(&tbs.signature) == Some(*algorithm))
            .ok_or_else(|| unsupported("is not signed with ECDSA or RSA and SHA-2"))?;
        let key = PublicKey::from_spki(&tbs.subject_pki).map_err(unsupported)?;
        let usage = Usage::of(&parsed).map_err(|fault| match fault {
            UsageFault::Extension => MspError::X509(X509Error::InvalidExtensions),
            UsageFault::Unsupported(what) => unsupported(what),
        })?;
        let signature = parsed.signature_value.data.to_vec();
        let ous = tbs.subject.iter_organizational_unit();
        let ous = ous.filter_map(|ou| ou.as_str().ok().map(str::to_owned)).collect();
        Ok(Self {
            der: canonical(tbs.as_ref(), algorithm, &signature)?,
            ous,
            not_before: tbs.validity.not_before.timestamp(),
            not_after: tbs.validity.not_after.timestamp(),
            key,
            serial: significant(tbs.raw_serial()),
            raw_subject: tbs.subject.as_raw().to_vec(),
            raw_issuer: tbs.issuer.as_raw().to_vec(),
            usage,
            to_be_signed: tbs.as_ref().to_vec(),
            algorithm,
            signature,
            subject,
        })
    }

    /// True if `issuer`'s key signed this certificate. Accepts a high S: CAs make such signatures,
    /// and Fabric normalizes certificates before it compares them (msp/cert.go,
    /// `sanitizeECDSASignedCert`).
    pub(crate) fn is_signed_by(&self, issuer: &Self) -> bool {
        issuer.key.has_signed(self.algorithm, &self.to_be_signed, &self.signature)
    }

    /// Bytes that the issuer signed.
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

/// Returns the canonical form of a certificate, with a low S. Anyone can make variants of a
/// certificate without the CA's key; in canonical form they are equal (Fabric: msp/cert.go,
/// `sanitizeECDSASignedCert`).
fn canonical(
    to_be_signed: &[u8],
    algorithm: CaAlgorithm,
    signature: &[u8],
) -> Result<Vec<u8>, MspError> {
    let signature = match algorithm {
        CaAlgorithm::Ecdsa(_) => {
            let signature = Signature::from_der(signature)?;
            signature.into_low_s(signature.curve()).to_der()
        }
        CaAlgorithm::Rsa(_) => signature.to_vec(),
    };
    let mut content = to_be_signed.to_vec();
    content.extend(algorithm.identifier());
    push_header(&mut content, BIT_STRING, signature.len() + 1);
    content.push(0); // No unused bits.
    content.extend(signature);
    let mut der = Vec::with_capacity(content.len() + 6);
    push_header(&mut der, SEQUENCE, content.len());
    der.append(&mut content);
    Ok(der)
}

const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// Tag and length of a DER element.
fn push_header(out: &mut Vec<u8>, tag: u8, length: usize) {
    out.push(tag);
    let digits = significant(&length.to_be_bytes());
    if length >= 0x80 {
        out.push(0x80 | digits.len() as u8);
    }
    out.extend_from_slice(&digits);
}

enum UsageFault {
    Extension,
    Unsupported(&'static str),
}

impl Usage {
    fn of(certificate: &X509Certificate<'_>) -> Result<Self, UsageFault> {
        // An extension that occurs twice would be ambiguous.
        certificate.extensions_map().map_err(|_| UsageFault::Extension)?;
        let mut usage = Self {
            is_ca: false,
            path_length: None,
            cert_sign: true,
            server_auth: true,
            key_id: None,
        };
        for extension in certificate.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::ParseError { .. } => return Err(UsageFault::Extension),
                ParsedExtension::BasicConstraints(constraints) => {
                    usage.is_ca = constraints.ca;
                    usage.path_length = constraints.path_len_constraint;
                }
                ParsedExtension::KeyUsage(key) => {
                    usage.cert_sign = key.flags == 0 || key.key_cert_sign();
                }
                ParsedExtension::ExtendedKeyUsage(key) => {
                    usage.server_auth = key.any || key.server_auth;
                }
                ParsedExtension::SubjectKeyIdentifier(id) => usage.key_id = Some(id.0.to_vec()),
                ParsedExtension::NameConstraints(_) => {
                    let what = "has name constraints, which are not supported";
                    return Err(UsageFault::Unsupported(what));
                }
                ParsedExtension::SubjectAlternativeName(_)
                | ParsedExtension::AuthorityKeyIdentifier(_)
                | ParsedExtension::CRLDistributionPoints(_)
                | ParsedExtension::CertificatePolicies(_)
                | ParsedExtension::AuthorityInfoAccess(_) => {}
                _ if extension.critical => {
                    let what = "has a critical extension that is not understood";
                    return Err(UsageFault::Unsupported(what));
                }
                _ => {}
            }
        }
        Ok(usage)
    }
}
