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
    RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_2048_8192_SHA384, RsaParameters, UnparsedPublicKey,
};

use crate::curve::Curve;
use crate::der::{self, Bits, Der};
use crate::error::{MspError, SignatureFault, X509Fault};
use crate::signature::Signature;
use crate::x509::Algorithm;

/// The contents of object identifiers: 1.2.840.10045.2.1 and others.
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const P224: &[u8] = &[0x2b, 0x81, 4, 0, 33];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384: &[u8] = &[0x2b, 0x81, 4, 0, 34];
const P521: &[u8] = &[0x2b, 0x81, 4, 0, 35];
const ECDSA_WITH_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1];
const ECDSA_WITH_SHA2: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3];
/// PKCS #1, 1.2.840.113549.1.1: with the suffix 1 it identifies a key, with others signatures.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1];
const RSA_KEY: u8 = 1;

/// The algorithm of a CA's signature on a certificate or revocation list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CaAlgorithm {
    Ecdsa(HashAlgorithm),
    /// PKCS #1, version 1.5.
    Rsa(HashAlgorithm),
    /// ECDSA with SHA-1, which Go refuses to check.
    WeakEcdsa,
    /// An algorithm that is not checked here.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HashAlgorithm {
    Sha256,
    Sha384,
    Sha512,
}

impl CaAlgorithm {
    /// Reads the content of an identifier. Ignores the parameters, as Go does (crypto/x509,
    /// `getSignatureAlgorithmFromAI`).
    pub(crate) fn of(oid: &[u8]) -> Self {
        let (&last, family) = oid.split_last().unwrap_or((&0, &[]));
        match (family, last) {
            (ECDSA_WITH_SHA2, 2) => Self::Ecdsa(HashAlgorithm::Sha256),
            (ECDSA_WITH_SHA2, 3) => Self::Ecdsa(HashAlgorithm::Sha384),
            (ECDSA_WITH_SHA2, 4) => Self::Ecdsa(HashAlgorithm::Sha512),
            (RSA, 11) => Self::Rsa(HashAlgorithm::Sha256),
            (RSA, 12) => Self::Rsa(HashAlgorithm::Sha384),
            (RSA, 13) => Self::Rsa(HashAlgorithm::Sha512),
            _ if oid == ECDSA_WITH_SHA1 => Self::WeakEcdsa,
            _ => Self::Unknown,
        }
    }

    /// True if Fabric normalizes such signatures to a low S (msp/cert.go, `isECDSASignedCert`).
    pub(crate) fn is_ecdsa(self) -> bool {
        matches!(self, Self::Ecdsa(_) | Self::WeakEcdsa)
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
    /// With the parsed key for signatures over SHA-256, which all members use.
    Ecdsa(Curve, ParsedPublicKey),
    /// Only CAs have RSA keys.
    Rsa,
}

/// Why a certificate's key cannot be used.
#[derive(Clone, Copy)]
pub(crate) enum KeyFault {
    /// Go cannot parse it.
    Malformed(X509Fault),
    /// Completes the sentence that begins with "the certificate".
    Unsupported(&'static str),
}

impl KeyFault {
    const fn malformed(text: &'static str) -> Self {
        Self::Malformed(X509Fault::new(text))
    }
}

impl PublicKey {
    /// Parses the key of a certificate, as Go does (crypto/x509, `parsePublicKey`).
    pub(crate) fn of(algorithm: Algorithm<'_>, key: Bits<'_>) -> Result<Self, KeyFault> {
        let bytes = key.right_aligned();
        let parameters = algorithm.parameters;
        if algorithm.oid.split_last() == Some((&RSA_KEY, RSA)) {
            if parameters.is_none_or(|it| it.tag != der::NULL || !it.content.is_empty()) {
                return Err(KeyFault::malformed("x509: RSA key missing NULL parameters"));
            }
            return Self::rsa(bytes);
        }
        let unknown = KeyFault::Unsupported(
            "has a public key that is neither ECDSA on P-256, P-384 or P-521 nor RSA",
        );
        if algorithm.oid != EC_PUBLIC_KEY {
            return Err(unknown);
        }
        let named = parameters.and_then(|parameters| Der::new(parameters.raw).oid());
        let named = named.ok_or(KeyFault::malformed("x509: invalid ECDSA parameters"))?;
        let curve = match named {
            P224 => return Err(unknown),
            P256 => Curve::P256,
            P384 => Curve::P384,
            P521 => Curve::P521,
            _ => return Err(KeyFault::malformed("x509: unsupported elliptic curve")),
        };
        if bytes.len() != 1 + 2 * curve.bytes() || bytes.first() != Some(&4) {
            let what = "x509: the public key is not an uncompressed point";
            return Err(KeyFault::malformed(what));
        }
        let key = ParsedPublicKey::new(ecdsa(curve, HashAlgorithm::Sha256), &bytes)
            .map_err(|_| KeyFault::malformed("x509: the public key is not a point of its curve"))?;
        Ok(Self { kind: KeyKind::Ecdsa(curve, key), bytes })
    }

    fn rsa(bytes: Vec<u8>) -> Result<Self, KeyFault> {
        let numbers = Der::new(&bytes).enter(der::SEQUENCE);
        let mut numbers = numbers.ok_or(KeyFault::malformed("x509: invalid RSA public key"))?;
        let fault = KeyFault::malformed("x509: invalid RSA modulus or public exponent");
        for _ in 0..2 {
            let number = numbers.integer();
            if number.is_none_or(|digits| digits[0] >= 0x80 || digits == [0]) {
                return Err(fault);
            }
        }
        match ParsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, &bytes) {
            Ok(_) => Ok(Self { kind: KeyKind::Rsa, bytes }),
            Err(_) => {
                Err(KeyFault::Unsupported("has an RSA key that is not one of 1,024 to 8,192 bits"))
            }
        }
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

    /// Checks an ECDSA signature over a SHA-256; S may be high.
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
        // Go accepts keys from 1,024 bits on. The library has no SHA-384 for short keys.
        HashAlgorithm::Sha256 => &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        HashAlgorithm::Sha384 => &RSA_PKCS1_2048_8192_SHA384,
        HashAlgorithm::Sha512 => &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
    }
}
