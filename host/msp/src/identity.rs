//! A valid member of an organization.
//!
//! Holds no private keys.
//!
//! Invariant: only an [`Msp`](crate::Msp) creates identities, so every value is valid.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use prost::Message;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::certificate::MemberCertificate;
use crate::error::{MspError, SignatureFault};
use crate::known_signatures::{KNOWN, SignatureEntry};
use crate::node_ous::Role;
use crate::principal::Principal;
use crate::public_key::PublicKey;
use crate::signature::Signature;
use wasmcc_types::proto::common::MspPrincipal;
use wasmcc_types::proto::msp::SerializedIdentity;
use wasmcc_types::sha256;

/// A valid member: its certificate has a chain to a root of its organization, is not revoked, and
/// has the required organizational units. It may have expired.
#[derive(Debug)]
pub struct Identity {
    msp_id: Arc<str>,
    /// True if its channel supports compound principals, and the principal that everyone satisfies.
    has_compound: bool,
    certificate: Vec<u8>,
    subject: String,
    ous: Vec<String>,
    not_after: i64,
    key: PublicKey,
    roles: Vec<Role>,
    is_named_admin: bool,
    certifiers: [u8; 32],
    verifications: AtomicU64,
}

/// True if the certificate in an `msp.SerializedIdentity` has expired, regardless of its issuer.
/// Bytes that do not parse have not expired (Fabric: common/crypto/expiration.go, `ExpiresAt`).
pub fn has_expired(serialized: &[u8], now: SystemTime) -> bool {
    SerializedIdentity::decode(serialized)
        .ok()
        .and_then(|identity| MemberCertificate::from_pem(&identity.id_bytes).ok())
        .is_some_and(|certificate| is_past(certificate.not_after, now))
}

/// The common name in a certificate's subject; None if it has none or several, or the bytes are not
/// a certificate. Does not check the certificate's validity.
pub fn common_name(der: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let mut names = certificate.subject().iter_common_name();
    let name = names.next().filter(|_| names.next().is_none())?;
    name.as_str().ok().map(str::to_owned)
}

fn is_past(seconds: i64, now: SystemTime) -> bool {
    let now = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    i64::try_from(now).unwrap_or(i64::MAX) > seconds
}

impl Identity {
    /// `of` is the organization's MSP id, and whether the channel supports compound principals.
    pub(crate) fn new(
        of: (Arc<str>, bool),
        certificate: MemberCertificate,
        roles: Vec<Role>,
        is_named_admin: bool,
        certifiers: [u8; 32],
    ) -> Self {
        let MemberCertificate { der, subject, ous, not_after, key, .. } = certificate;
        let certificate = der;
        let (msp_id, has_compound) = of;
        Self {
            msp_id,
            has_compound,
            certificate,
            subject,
            ous,
            not_after,
            key,
            roles,
            is_named_admin,
            certifiers,
            verifications: AtomicU64::new(0),
        }
    }

    /// The organization's MSP id.
    pub fn msp_id(&self) -> &str {
        &self.msp_id
    }

    /// The DER certificate; its signature has a low S. Therefore two identities are equal exactly
    /// if MSP id and certificate are equal.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The subject as text, for logs and errors.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The organizational units of the subject.
    pub fn ous(&self) -> &[String] {
        &self.ous
    }

    /// The last second of validity, in seconds since 1970.
    pub fn not_after(&self) -> i64 {
        self.not_after
    }

    /// True if the certificate has expired. Only the endorser's filter checks this (Fabric:
    /// core/handlers/auth/filter/expiration.go); signatures of an expired identity stay valid.
    pub fn is_expired(&self, now: SystemTime) -> bool {
        is_past(self.not_after, now)
    }

    /// Checks an ECDSA signature over the SHA-256 of `message`: DER, and S must be low (Fabric:
    /// bccsp/sw/ecdsa.go, `verifyECDSA`). A signature that this process has verified before, or has
    /// made as a peer, is not computed again while it is cached.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), MspError> {
        self.verify_digest(&sha256(message), signature)
    }

    /// As [`verify`](Self::verify), for a message whose SHA-256 is known.
    pub fn verify_digest(&self, digest: &[u8; 32], signature: &[u8]) -> Result<(), MspError> {
        let signature = Signature::from_der(signature)?;
        if self.key.curve().is_some_and(|curve| !signature.is_low_s(curve)) {
            return Err(MspError::Signature(SignatureFault::HighS));
        }
        let entry = SignatureEntry::new(self.key.bytes(), digest, &signature);
        if KNOWN.contains(&entry) {
            return Ok(());
        }
        self.verifications.fetch_add(1, Ordering::Relaxed);
        self.key.verify(digest, signature)?;
        KNOWN.insert(entry);
        Ok(())
    }

    /// Counts the signatures of this member that were computed, not those found in the cache. For
    /// tests and measurements.
    pub fn verifications(&self) -> u64 {
        self.verifications.load(Ordering::Relaxed)
    }

    /// True if this member matches a principal of a policy.
    pub fn satisfies(&self, principal: &MspPrincipal) -> bool {
        self.matches(&Principal::parse(principal))
    }

    /// As [`satisfies`](Self::satisfies), for a parsed principal.
    pub fn matches(&self, principal: &Principal) -> bool {
        match principal {
            Principal::Member { msp_id } => *msp_id == *self.msp_id,
            Principal::Role { msp_id, role } => *msp_id == *self.msp_id && self.has_role(*role),
            Principal::OrganizationUnit { msp_id, ou, certifiers } => {
                *msp_id == *self.msp_id && *certifiers == self.certifiers && self.ous.contains(ou)
            }
            Principal::Identity { msp_id, certificate } => {
                *msp_id == *self.msp_id && *certificate == self.certificate
            }
            // Fabric: msp/mspimpl.go, `collectPrincipals`, `satisfiesPrincipalInternalPreV13`.
            Principal::All(_) | Principal::Anyone if !self.has_compound => false,
            Principal::All(principals) => principals.iter().all(|each| self.matches(each)),
            Principal::Anyone => true,
            Principal::Nobody => false,
        }
    }

    /// True if this member has a role. Members whose certificates the organization lists as admins
    /// have the role admin as well (Fabric: msp/mspimpl.go, `satisfiesPrincipalInternalV142`).
    pub fn has_role(&self, role: Role) -> bool {
        self.roles.contains(&role) || (role == Role::Admin && self.is_named_admin)
    }
}
