//! A member with its private key: signs endorsements of a peer and proposals of a client.
//!
//! Invariant: the private key never leaves this value. `Debug` does not show it, and nothing writes
//! it.

use std::fmt;

use aws_lc_rs::digest::{Digest, SHA256, SHA384};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA256_ASN1_SIGNING,
    EcdsaKeyPair, KeyPair,
};
use prost::Message;
use x509_parser::pem::Pem;

use crate::certificate::MemberCertificate;
use crate::curve::Curve;
use crate::error::MspError;
use crate::expiry::Expiry;
use crate::known_signatures::{KNOWN, SignatureEntry};
use crate::signature::Signature;
use wasmcc_types::proto::msp::SerializedIdentity;
use wasmcc_types::sha256;

/// Signs as one member of an organization.
pub struct SigningIdentity {
    msp_id: String,
    serialized: Vec<u8>,
    curve: Curve,
    key: EcdsaKeyPair,
    expiry: Expiry,
    remembers: bool,
}

impl SigningIdentity {
    /// Reads a certificate and its private key, PKCS#8 ("PRIVATE KEY") or SEC 1 ("EC PRIVATE KEY"),
    /// on the curve P-256, P-384 or P-521. Does not check that the organization accepts the
    /// certificate.
    pub fn from_pem(msp_id: &str, cert_pem: &[u8], key_pem: &[u8]) -> Result<Self, MspError> {
        let certificate = MemberCertificate::from_pem(cert_pem)?;
        let unusable = |reason| MspError::Key { msp_id: msp_id.to_owned(), reason };
        let curve = certificate.key.curve();
        let curve =
            curve.ok_or_else(|| unusable("it is an RSA key, but members sign with ECDSA"))?;
        let key = private_key(key_pem, curve).map_err(unusable)?;
        if key.public_key().as_ref() != certificate.key.bytes() {
            return Err(unusable("it does not belong to the certificate"));
        }
        let identity = SerializedIdentity { mspid: msp_id.to_owned(), id_bytes: cert_pem.to_vec() };
        let (msp_id, serialized) = (msp_id.to_owned(), identity.encode_to_vec());
        let expiry = Expiry::new(certificate.not_after);
        Ok(Self { msp_id, serialized, curve, key, expiry, remembers: false })
    }

    /// For the identity of a peer in this process: its own signatures are cached as verified.
    pub fn remembering(self) -> Self {
        Self { remembers: true, ..self }
    }

    /// The id of the organization's MSP.
    pub fn msp_id(&self) -> &str {
        &self.msp_id
    }

    /// The `msp.SerializedIdentity`: creator of proposals, endorser of responses. Its PEM is
    /// exactly the text that was read.
    pub fn serialized(&self) -> &[u8] {
        &self.serialized
    }

    /// The end of its certificate's validity.
    pub fn expiry(&self) -> Expiry {
        self.expiry
    }

    /// Signs the SHA-256 of `message`; returns ECDSA in DER with a low S.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let digest = sha256(message);
        let hash = match self.curve {
            Curve::P256 | Curve::P521 => {
                Digest::import_less_safe(&digest, &SHA256).expect("it has the length of SHA-256")
            }
            // With P-384 the library signs only hashes of 48 bytes. A hash is a number (FIPS 186-4,
            // 6.4), so leading zeros change nothing.
            Curve::P384 => {
                let mut wide = [0; 48];
                wide[16..].copy_from_slice(&digest);
                Digest::import_less_safe(&wide, &SHA384).expect("it has the length of SHA-384")
            }
        };
        let signature = self
            .key
            .sign_digest(&hash)
            .expect("signing with a parsed key fails only without memory or randomness");
        let signature = Signature::from_der(signature.as_ref())
            .expect("the library's signatures are well-formed")
            .into_low_s(self.curve);
        if self.remembers {
            KNOWN.insert(SignatureEntry::new(self.key.public_key().as_ref(), &digest, &signature));
        }
        signature.to_der()
    }
}

impl fmt::Debug for SigningIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningIdentity").field("msp_id", &self.msp_id).finish_non_exhaustive()
    }
}

fn private_key(pem: &[u8], curve: Curve) -> Result<EcdsaKeyPair, &'static str> {
    // OpenSSL writes the curve as a separate block before a SEC 1 key.
    let mut blocks = Pem::iter_from_buffer(pem).map_while(Result::ok);
    let block = blocks
        .find(|block| matches!(block.label.as_str(), "PRIVATE KEY" | "EC PRIVATE KEY"))
        .ok_or("there is no PEM block PRIVATE KEY or EC PRIVATE KEY")?;
    let algorithm = match curve {
        Curve::P256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
        Curve::P384 => &ECDSA_P384_SHA384_ASN1_SIGNING,
        Curve::P521 => &ECDSA_P521_SHA256_ASN1_SIGNING,
    };
    let key = match block.label.as_str() {
        "PRIVATE KEY" => EcdsaKeyPair::from_pkcs8(algorithm, &block.contents),
        _ => EcdsaKeyPair::from_private_key_der(algorithm, &block.contents),
    };
    key.map_err(|_| "it is not an ECDSA key on the curve of the certificate")
}
