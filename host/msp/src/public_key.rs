//! The public keys of members and CAs, and the algorithms of CA signatures.
//!
//! Does not know the owner of a key.
//!
//! Invariant: a key is parsed once.

use aws_lc_rs::digest::{Digest, SHA256};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1, ECDSA_P384_SHA256_ASN1,
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA512_ASN1, ECDSA_P521_SHA256_ASN1, ECDSA_P521_SHA384_ASN1,
    ECDSA_P521_SHA512_ASN1, EcdsaVerificationAlgorithm, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RsaParameters, UnparsedPublicKey,
};
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_NIST_EC_P521,
    OID_PKCS1_RSAENCRYPTION, OID_PKCS1_SHA256WITHRSA, OID_PKCS1_SHA384WITHRSA,
    OID_PKCS1_SHA512WITHRSA, OID_SIG_ECDSA_WITH_SHA256, OID_SIG_ECDSA_WITH_SHA384,
    OID_SIG_ECDSA_WITH_SHA512,
};
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use crate::curve::Curve;
use crate::error::{MspError, SignatureFault};
use crate::signature::Signature;

/// The algorithm of a CA's signature on a certificate or revocation list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CaAlgorithm {
    Ecdsa(HashAlgorithm),
    /// PKCS #1, version 1.5.
    Rsa(HashAlgorithm),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HashAlgorithm {
    Sha256,
    Sha384,
    Sha512,
}

impl CaAlgorithm {
    /// None for anything but ECDSA or RSA with SHA-256, SHA-384 or SHA-512.
    pub(crate) fn of(identifier: &AlgorithmIdentifier<'_>) -> Option<Self> {
        let algorithms = [
            (OID_SIG_ECDSA_WITH_SHA256, Self::Ecdsa(HashAlgorithm::Sha256)),
            (OID_SIG_ECDSA_WITH_SHA384, Self::Ecdsa(HashAlgorithm::Sha384)),
            (OID_SIG_ECDSA_WITH_SHA512, Self::Ecdsa(HashAlgorithm::Sha512)),
            (OID_PKCS1_SHA256WITHRSA, Self::Rsa(HashAlgorithm::Sha256)),
            (OID_PKCS1_SHA384WITHRSA, Self::Rsa(HashAlgorithm::Sha384)),
            (OID_PKCS1_SHA512WITHRSA, Self::Rsa(HashAlgorithm::Sha512)),
        ];
        let (_, found) = algorithms.into_iter().find(|(oid, _)| *oid == identifier.algorithm)?;
        // ECDSA has no parameters (RFC 5758, 3.2), RSA has NULL (RFC 4055, 5).
        let has_parameters = identifier.parameters.is_some();
        (has_parameters == matches!(found, Self::Rsa(_))).then_some(found)
    }

    /// The DER of the algorithm's identifier.
    pub(crate) fn identifier(self) -> Vec<u8> {
        let last = |hash, first| match hash {
            HashAlgorithm::Sha256 => first,
            HashAlgorithm::Sha384 => first + 1,
            HashAlgorithm::Sha512 => first + 2,
        };
        match self {
            Self::Ecdsa(hash) => {
                vec![
                    0x30,
                    0x0a,
                    0x06,
                    0x08,
                    0x2a,
                    0x86,
                    0x48,
                    0xce,
                    0x3d,
                    0x04,
                    0x03,
                    last(hash, 2),
                ]
            }
            Self::Rsa(hash) => {
                let mut der = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01".to_vec();
                der.extend([last(hash, 11), 0x05, 0x00]);
                der
            }
        }
    }
}

/// A parsed public key.
#[derive(Debug)]
pub(crate) struct PublicKey {
    kind: KeyKind,
    bytes: Vec<u8>,
}

#[derive(Debug)]
enum KeyKind {
    /// With the key for signatures over SHA-256, which all members use.
    Ecdsa(Curve, ParsedPublicKey),
    /// Only CAs have such keys.
    Rsa,
}

impl PublicKey {
    /// Parses a key. The error says what the certificate has instead.
    pub(crate) fn from_spki(spki: &SubjectPublicKeyInfo<'_>) -> Result<Self, &'static str> {
        let bytes = spki.subject_public_key.data.to_vec();
        if spki.algorithm.algorithm == OID_PKCS1_RSAENCRYPTION {
            return match ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &bytes) {
                Ok(_) => Ok(Self { kind: KeyKind::Rsa, bytes }),
                Err(_) => Err("has an RSA key that is not one of 2,048 to 8,192 bits"),
            };
        }
        let unknown = "has a public key that is neither ECDSA on P-256, P-384 or P-521 nor RSA";
        if spki.algorithm.algorithm != OID_KEY_TYPE_EC_PUBLIC_KEY {
            return Err(unknown);
        }
        let named = spki.algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok());
        let curves = [
            (OID_EC_P256, Curve::P256),
            (OID_NIST_EC_P384, Curve::P384),
            (OID_NIST_EC_P521, Curve::P521),
        ];
        let curve = curves.into_iter().find(|(oid, _)| named.as_ref() == Some(oid));
        let (_, curve) = curve.ok_or(unknown)?;
        if bytes.len() != 1 + 2 * curve.bytes() || bytes.first() != Some(&4) {
            return Err("has a public key that is not an uncompressed point");
        }
        let key = ParsedPublicKey::new(ecdsa(curve, HashAlgorithm::Sha256), &bytes)
            .map_err(|_| "has a public key that is not a point of its curve")?;
        Ok(Self { kind: KeyKind::Ecdsa(curve, key), bytes })
    }

    /// The uncompressed point, or the RSA key of PKCS #1.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// None for an RSA key.
    pub(crate) fn curve(&self) -> Option<Curve> {
        match &self.kind {
            KeyKind::Ecdsa(curve, _) => Some(*curve),
            KeyKind::Rsa => None,
        }
    }

    /// Checks ECDSA over a SHA-256; S may be high.
    pub(crate) fn verify(&self, digest: &[u8; 32], signature: Signature) -> Result<(), MspError> {
        let digest =
            Digest::import_less_safe(digest, &SHA256).expect("it has the length of SHA-256");
        let holds = match &self.kind {
            KeyKind::Ecdsa(_, key) => key.verify_digest_sig(&digest, &signature.to_der()).is_ok(),
            KeyKind::Rsa => false,
        };
        if holds { Ok(()) } else { Err(MspError::Signature(SignatureFault::Mismatch)) }
    }

    /// True if this key of a CA signed `message`. S may be high.
    pub(crate) fn has_signed(&self, algorithm: CaAlgorithm, message: &[u8], value: &[u8]) -> bool {
        match (algorithm, &self.kind) {
            (CaAlgorithm::Ecdsa(hash), KeyKind::Ecdsa(curve, _)) => {
                let key = UnparsedPublicKey::new(ecdsa(*curve, hash), &self.bytes);
                let signature = Signature::from_der(value);
                signature.is_ok_and(|signature| key.verify(message, &signature.to_der()).is_ok())
            }
            (CaAlgorithm::Rsa(hash), KeyKind::Rsa) => {
                UnparsedPublicKey::new(rsa(hash), &self.bytes).verify(message, value).is_ok()
            }
            _ => false,
        }
    }
}

fn ecdsa(curve: Curve, hash: HashAlgorithm) -> &'static EcdsaVerificationAlgorithm {
    match (curve, hash) {
        (Curve::P256, HashAlgorithm::Sha256) => &ECDSA_P256_SHA256_ASN1,
        (Curve::P256, HashAlgorithm::Sha384) => &ECDSA_P256_SHA384_ASN1,
        (Curve::P256, HashAlgorithm::Sha512) => &ECDSA_P256_SHA512_ASN1,
        (Curve::P384, HashAlgorithm::Sha256) => &ECDSA_P384_SHA256_ASN1,
        (Curve::P384, HashAlgorithm::Sha384) => &ECDSA_P384_SHA384_ASN1,
        (Curve::P384, HashAlgorithm::Sha512) => &ECDSA_P384_SHA512_ASN1,
        (Curve::P521, HashAlgorithm::Sha256) => &ECDSA_P521_SHA256_ASN1,
        (Curve::P521, HashAlgorithm::Sha384) => &ECDSA_P521_SHA384_ASN1,
        (Curve::P521, HashAlgorithm::Sha512) => &ECDSA_P521_SHA512_ASN1,
    }
}

fn rsa(hash: HashAlgorithm) -> &'static RsaParameters {
    match hash {
        HashAlgorithm::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
        HashAlgorithm::Sha384 => &RSA_PKCS1_2048_8192_SHA384,
        HashAlgorithm::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
    }
}
