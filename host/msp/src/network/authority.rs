//! A certificate authority, and the certificates that it issues. Their contents follow cryptogen.
//!
//! Invariant: P-256 only, and every signature has a low S: Fabric refuses or rewrites others.

use std::collections::BTreeMap;

use aws_lc_rs::rand;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PublicKeyData, SerialNumber, SignatureAlgorithm, SigningKey,
};
use time::{Duration, OffsetDateTime};
use x509_parser::asn1_rs::Tag;
use x509_parser::extensions::ParsedExtension;
use x509_parser::pem::parse_x509_pem;
use x509_parser::x509::X509Name;

use crate::curve::Curve;
use crate::network::NetworkError;
use crate::network::org::Credentials;
use crate::node_ous::Role;
use crate::signature::Signature;
use wasmcc_types::sha256;

/// The extension in which fabric-ca writes attributes.
const ATTRIBUTES: &[u64] = &[1, 2, 3, 4, 5, 6, 7, 8, 1];
const LIFETIME: Duration = Duration::days(3650);
/// Tolerance for clocks that differ: a new certificate must be valid on other machines at once.
const BACKDATE: Duration = Duration::minutes(5);

/// A CA with its key.
pub(crate) struct SigningAuthority {
    issuer: Issuer<'static, LowSKey>,
    pub(crate) credentials: Credentials,
}

impl SigningAuthority {
    /// Makes a self-signed CA (Fabric: internal/cryptogen/ca/ca.go, `NewCA`).
    pub(crate) fn new(name: &str, organization: &str) -> Result<Self, NetworkError> {
        let failed = |source| NetworkError::Certificate { name: name.to_owned(), source };
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let organization = Some((DnType::OrganizationName, organization));
        let mut params = params(name, organization);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
        ];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        // RFC 7093, method 4, over the bare point, as in cryptogen's `computeSKI`.
        let key_id = sha256(key.der_bytes()).to_vec();
        params.key_identifier_method = KeyIdMethod::PreSpecified(key_id);
        let key = LowSKey(key);
        let certificate = params.self_signed(&key).map_err(failed)?.pem();
        let credentials = Credentials::new(certificate, key.0.serialize_pem());
        Ok(Self { issuer: Issuer::new(params, key), credentials })
    }

    /// Opens a CA from its certificate and key. Fails with the reason why it cannot issue
    /// certificates.
    pub(super) fn open(credentials: &Credentials) -> Result<Self, String> {
        let key = KeyPair::from_pem(&credentials.key).map_err(|error| error.to_string())?;
        if key.algorithm() != &PKCS_ECDSA_P256_SHA256 {
            return Err("its key is not an ECDSA key on P-256".to_owned());
        }
        let pem = credentials.certificate.as_bytes();
        let (_, pem) = parse_x509_pem(pem).map_err(|error| error.to_string())?;
        let certificate = pem.parse_x509().map_err(|error| error.to_string())?;
        let mut params = CertificateParams::default();
        params.distinguished_name = subject(certificate.subject())?;
        // Use the key identifier of its own certificate: Fabric's clients find the issuer by it.
        let key_id = certificate.iter_extensions().find_map(|extension| {
            match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
                _ => None,
            }
        });
        let key_id = key_id.unwrap_or_else(|| sha256(key.der_bytes()).to_vec());
        params.key_identifier_method = KeyIdMethod::PreSpecified(key_id);
        let issuer = Issuer::new(params, LowSKey(key));
        Ok(Self { issuer, credentials: credentials.clone() })
    }

    /// Issues a member's certificate for signing (Fabric: internal/cryptogen/msp/msp.go,
    /// `GenerateLocalMSP`). Its organizational unit names the role. Attributes have the form of
    /// fabric-ca (lib/attrmgr).
    pub(crate) fn issue_identity(
        &self,
        name: &str,
        role: Role,
        attributes: &BTreeMap<String, String>,
    ) -> Result<Credentials, NetworkError> {
        let role = role.to_string();
        let mut params = params(name, Some((DnType::OrganizationalUnitName, &role)));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        if !attributes.is_empty() {
            let json = serde_json::json!({ "attrs": attributes }).to_string().into_bytes();
            params.custom_extensions = vec![CustomExtension::from_oid_content(ATTRIBUTES, json)];
        }
        self.issue(name, params)
    }

    /// Issues a TLS certificate for client and server.
    pub(crate) fn issue_tls(
        &self,
        name: &str,
        hosts: &[String],
    ) -> Result<Credentials, NetworkError> {
        let failed = |source| NetworkError::Certificate { name: name.to_owned(), source };
        let alternative = CertificateParams::new(hosts).map_err(failed)?.subject_alt_names;
        let mut params = params(name, None);
        params.subject_alt_names = alternative;
        params.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(name, params)
    }

    fn issue(
        &self,
        name: &str,
        mut params: CertificateParams,
    ) -> Result<Credentials, NetworkError> {
        let failed = |source| NetworkError::Certificate { name: name.to_owned(), source };
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok(Credentials::new(certificate.pem(), key.serialize_pem()))
    }
}

/// Converts a name in a foreign certificate, and keeps the types of its strings.
fn subject(name: &X509Name<'_>) -> Result<DistinguishedName, String> {
    let mut subject = DistinguishedName::new();
    for attribute in name.iter_attributes() {
        let arcs = attribute.attr_type().iter();
        let kind: Vec<u64> = arcs.ok_or("its subject has an unknown attribute")?.collect();
        let value = attribute.as_str().map_err(|error| error.to_string())?;
        let value = match attribute.attr_value().tag() {
            Tag::PrintableString => text(value),
            Tag::Utf8String => DnValue::Utf8String(value.to_owned()),
            tag => return Err(format!("its subject has a value of type {tag:?}")),
        };
        let kind = DnType::from_oid(&kind);
        if subject.get(&kind).is_some() {
            return Err("its subject has an attribute twice".to_owned());
        }
        subject.push(kind, value);
    }
    Ok(subject)
}

/// Sets a validity of ten years, a random serial number, and cryptogen's form of the subject.
fn params(name: &str, unit: Option<(DnType, &str)>) -> CertificateParams {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CountryName, text("US"));
    subject.push(DnType::StateOrProvinceName, text("California"));
    subject.push(DnType::LocalityName, text("San Francisco"));
    if let Some((kind, value)) = unit {
        subject.push(kind, text(value));
    }
    subject.push(DnType::CommonName, text(name));

    let mut params = CertificateParams::default();
    params.distinguished_name = subject;
    let now = OffsetDateTime::now_utc();
    params.not_before = now - BACKDATE - Duration::seconds(i64::from(now.second()));
    params.not_after = params.not_before + LIFETIME;
    params.serial_number = Some(serial_number());
    params
}

/// Returns the simplest string type that can hold the text, as in Go.
fn text(value: &str) -> DnValue {
    match value.try_into() {
        Ok(printable) => DnValue::PrintableString(printable),
        Err(_) => DnValue::Utf8String(value.to_owned()),
    }
}

/// Returns 126 random bits. The two highest bits are fixed, so the number is positive and always
/// has 16 bytes.
fn serial_number() -> SerialNumber {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).expect("the system has randomness, or no key could have been made");
    bytes[0] = (bytes[0] & 0x7f) | 0x40;
    SerialNumber::from_slice(&bytes)
}

/// A key pair whose signatures have a low S.
struct LowSKey(KeyPair);

impl PublicKeyData for LowSKey {
    fn der_bytes(&self) -> &[u8] {
        self.0.der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.0.algorithm()
    }
}

impl SigningKey for LowSKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature = Signature::from_der(&self.0.sign(message)?);
        let signature = signature.map_err(|_| rcgen::Error::RemoteKeyError)?;
        Ok(signature.into_low_s(Curve::P256).to_der())
    }
}
