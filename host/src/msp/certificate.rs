//! An X.509 certificate, reduced to what an MSP asks of one.
//!
//! Invariant: nothing here knows an organization; a parsed certificate is not yet a trusted one.

use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED;
use aws_lc_rs::signature::ParsedPublicKey;
use x509_parser::certificate::X509Certificate;
use x509_parser::error::PEMError;
use x509_parser::error::X509Error;
use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry::OID_EC_P256;
use x509_parser::oid_registry::OID_KEY_TYPE_EC_PUBLIC_KEY;
use x509_parser::oid_registry::OID_SIG_ECDSA_WITH_SHA256;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::FromDer;
use x509_parser::x509::AlgorithmIdentifier;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::msp::error::MspError;
use crate::msp::error::SignatureFault;
use crate::msp::signature::Signature;

/// DER of the algorithm identifier ecdsa-with-SHA256, which has no parameters (RFC 5758, 3.2).
const ECDSA_WITH_SHA256: [u8; 12] =
    [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

/// A certificate with a P-256 key, signed by one.
#[derive(Debug)]
pub(super) struct Certificate {
    /// The whole certificate in its canonical form, its signature with a low S.
    pub(super) der: Vec<u8>,
    /// As text, for people.
    pub(super) subject: String,
    /// The organizational units of the subject, in order.
    pub(super) ous: Vec<String>,
    /// Seconds since 1970.
    pub(super) not_before: i64,
    /// Seconds since 1970; the last second of validity.
    pub(super) not_after: i64,
    pub(super) key: PublicKey,
    /// Big endian, without leading zeros.
    pub(super) serial: Vec<u8>,
    pub(super) raw_subject: Vec<u8>,
    pub(super) raw_issuer: Vec<u8>,
    pub(super) usage: Usage,
    to_be_signed: Vec<u8>,
    signature: Signature,
}

/// What a certificate may be used for.
#[derive(Debug)]
pub(super) struct Usage {
    /// Basic constraints say that this is a CA.
    pub(super) is_ca: bool,
    /// How many CAs may stand between this one and an identity.
    pub(super) path_length: Option<u32>,
    /// Key usage allows to sign certificates, or does not restrict it.
    pub(super) cert_sign: bool,
    /// Extended key usage does not exclude server authentication. Go's `Verify` asks for that by
    /// default, and Fabric leaves the default (msp/mspimplvalidate.go, `getValidityOptsForCert`).
    pub(super) server_auth: bool,
    /// The subject key identifier.
    pub(super) key_id: Option<Vec<u8>>,
}

impl Certificate {
    /// Reads the first PEM block; what follows it is ignored, as Go's `pem.Decode` does.
    pub(super) fn from_pem(pem: &[u8]) -> Result<Self, MspError> {
        let (_, block) = parse_x509_pem(pem).map_err(|error| match error {
            x509_parser::nom::Err::Error(error) | x509_parser::nom::Err::Failure(error) => {
                MspError::Pem(error)
            }
            x509_parser::nom::Err::Incomplete(_) => MspError::Pem(PEMError::IncompletePEM),
        })?;
        Self::from_der(&block.contents)
    }

    pub(super) fn from_der(der: &[u8]) -> Result<Self, MspError> {
        let x509 = |error: x509_parser::nom::Err<X509Error>| MspError::X509(error.into());
        let (rest, parsed) = X509Certificate::from_der(der).map_err(x509)?;
        if !rest.is_empty() {
            return Err(MspError::X509(X509Error::InvalidCertificate));
        }
        let tbs = &parsed.tbs_certificate;
        let subject = tbs.subject.to_string();
        let unsupported = |what| MspError::Unsupported { subject: subject.clone(), what };
        let algorithms = [&parsed.signature_algorithm, &tbs.signature];
        if !algorithms.into_iter().all(is_ecdsa_with_sha256) {
            return Err(unsupported("is not signed with ECDSA and SHA-256"));
        }
        let key = PublicKey::from_spki(&tbs.subject_pki).map_err(unsupported)?;
        let usage = Usage::of(&parsed).map_err(|fault| match fault {
            UsageFault::Extension => MspError::X509(X509Error::InvalidExtensions),
            UsageFault::Unsupported(what) => unsupported(what),
        })?;
        let signature = Signature::from_der(&parsed.signature_value.data)?;
        let ous = tbs.subject.iter_organizational_unit();
        let ous = ous.filter_map(|ou| ou.as_str().ok().map(str::to_owned)).collect();
        Ok(Self {
            der: canonical(tbs.as_ref(), signature),
            ous,
            not_before: tbs.validity.not_before.timestamp(),
            not_after: tbs.validity.not_after.timestamp(),
            key,
            serial: significant(tbs.raw_serial()),
            raw_subject: tbs.subject.as_raw().to_vec(),
            raw_issuer: tbs.issuer.as_raw().to_vec(),
            usage,
            to_be_signed: tbs.as_ref().to_vec(),
            signature,
            subject,
        })
    }

    /// Whether `issuer`'s key signed this certificate. A high S is accepted here: CAs make them,
    /// and Fabric cleans certificates before it compares them (msp/cert.go,
    /// `sanitizeECDSASignedCert`).
    pub(super) fn is_signed_by(&self, issuer: &Self) -> bool {
        issuer.key.verify(&self.to_be_signed, self.signature).is_ok()
    }

    pub(super) fn is_valid_at(&self, time: i64) -> bool {
        (self.not_before..=self.not_after).contains(&time)
    }
}

pub(super) fn is_ecdsa_with_sha256(algorithm: &AlgorithmIdentifier<'_>) -> bool {
    algorithm.algorithm == OID_SIG_ECDSA_WITH_SHA256 && algorithm.parameters.is_none()
}

/// A serial number without leading zeros, so that equal numbers are equal bytes.
pub(super) fn significant(number: &[u8]) -> Vec<u8> {
    number.iter().copied().skip_while(|&digit| digit == 0).collect()
}

/// The certificate in the one form that its signed content and signature can have, with S low. So a
/// certificate and all the variants that anyone can make of it without the CA's key count as one
/// (Fabric: msp/cert.go, `sanitizeECDSASignedCert`).
fn canonical(to_be_signed: &[u8], signature: Signature) -> Vec<u8> {
    let mut signature = signature.into_low_s().to_der();
    let mut content = to_be_signed.to_vec();
    content.extend_from_slice(&ECDSA_WITH_SHA256);
    content.extend_from_slice(&[0x03, signature.len() as u8 + 1, 0]); // BIT STRING, no unused bits
    content.append(&mut signature);
    let mut der = vec![0x30];
    let length = significant(&content.len().to_be_bytes());
    if content.len() >= 0x80 {
        der.push(0x80 | length.len() as u8);
    }
    der.extend_from_slice(&length);
    der.append(&mut content);
    der
}

/// A P-256 key, parsed once.
#[derive(Debug)]
pub(super) struct PublicKey {
    key: ParsedPublicKey,
    point: Vec<u8>,
}

impl PublicKey {
    /// Fails with what the certificate has instead.
    fn from_spki(spki: &SubjectPublicKeyInfo<'_>) -> Result<Self, &'static str> {
        let curve = spki.algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok());
        if spki.algorithm.algorithm != OID_KEY_TYPE_EC_PUBLIC_KEY || curve != Some(OID_EC_P256) {
            return Err("has a public key that is not ECDSA on the curve P-256");
        }
        let point: &[u8] = &spki.subject_public_key.data;
        if point.len() != 65 || point.first() != Some(&4) {
            return Err("has a public key that is not an uncompressed point");
        }
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .map_err(|_| "has a public key that is not a point of the curve P-256")?;
        Ok(Self { key, point: point.to_vec() })
    }

    /// The uncompressed point.
    pub(super) fn point(&self) -> &[u8] {
        &self.point
    }

    /// ECDSA over the SHA-256 of `message`; says nothing of S.
    pub(super) fn verify(&self, message: &[u8], signature: Signature) -> Result<(), MspError> {
        let mismatch = |_| MspError::Signature(SignatureFault::Mismatch);
        self.key.verify_sig(message, &signature.to_fixed()).map_err(mismatch)
    }
}

enum UsageFault {
    Extension,
    Unsupported(&'static str),
}

impl Usage {
    fn of(certificate: &X509Certificate<'_>) -> Result<Self, UsageFault> {
        // An extension that occurs twice could be read in two ways.
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
