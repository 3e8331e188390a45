//! A member of an organization that has been found valid.
//!
//! Invariant: no private keys, and no way to make one without an [`Msp`](crate::msp::Msp).

use std::sync::Arc;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use prost::Message;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::msp::certificate::Certificate;
use crate::msp::error::MspError;
use crate::msp::error::SignatureFault;
use crate::msp::node_ous::Role;
use crate::msp::principal::Principal;
use crate::msp::public_key::PublicKey;
use crate::msp::signature::Signature;
use crate::proto::common::MspPrincipal;
use crate::proto::msp::SerializedIdentity;

/// A valid member: its certificate leads to a root of its organization, is not revoked and has the
/// organizational units that the organization asks for. It may be expired.
#[derive(Debug)]
pub struct Identity {
    msp_id: Arc<str>,
    certificate: Vec<u8>,
    subject: String,
    ous: Vec<String>,
    not_after: i64,
    key: PublicKey,
    roles: Vec<Role>,
    is_named_admin: bool,
    certifiers: [u8; 32],
}

/// Whether the certificate in a `msp.SerializedIdentity` has expired, whoever issued it. What
/// cannot be read has not (Fabric: common/crypto/expiration.go, `ExpiresAt`).
pub fn has_expired(serialized: &[u8], now: SystemTime) -> bool {
    SerializedIdentity::decode(serialized)
        .ok()
        .and_then(|identity| Certificate::from_pem(&identity.id_bytes).ok())
        .is_some_and(|certificate| is_past(certificate.not_after, now))
}

/// The common name in a certificate's subject; None if it has none, or several, or is not one. The
/// certificate's own validity is not checked.
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
    pub(super) fn new(
        msp_id: Arc<str>,
        certificate: Certificate,
        roles: Vec<Role>,
        is_named_admin: bool,
        certifiers: [u8; 32],
    ) -> Self {
        let Certificate { der, subject, ous, not_after, key, .. } = certificate;
        let certificate = der;
        Self {
            msp_id,
            certificate,
            subject,
            ous,
            not_after,
            key,
            roles,
            is_named_admin,
            certifiers,
        }
    }

    /// The id of its organization's MSP.
    pub fn msp_id(&self) -> &str {
        &self.msp_id
    }

    /// The DER certificate. If the CA signed it with a high S, that is made low here, so that two
    /// identities are one exactly if MSP id and certificate are equal.
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

    /// Whether the certificate has expired. Only the endorser's filter asks (Fabric:
    /// core/handlers/auth/filter/expiration.go); what an expired identity signed stays valid.
    pub fn is_expired(&self, now: SystemTime) -> bool {
        is_past(self.not_after, now)
    }

    /// Checks an ECDSA signature over the SHA-256 of `message`: DER, and S must be low (Fabric:
    /// bccsp/sw/ecdsa.go, `verifyECDSA`).
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), MspError> {
        let signature = Signature::from_der(signature)?;
        if self.key.curve().is_some_and(|curve| !signature.is_low_s(curve)) {
            return Err(MspError::Signature(SignatureFault::HighS));
        }
        self.key.verify(message, signature)
    }

    /// Whether this member is what a policy asks for.
    pub fn satisfies(&self, principal: &MspPrincipal) -> bool {
        self.matches(&Principal::parse(principal))
    }

    /// As [`satisfies`](Self::satisfies), for a principal that was parsed before.
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
            Principal::All(principals) => principals.iter().all(|each| self.matches(each)),
            Principal::Anyone => true,
            Principal::Nobody => false,
        }
    }

    /// Whether this member has a role. Admins are also those whose certificates the organization
    /// lists (Fabric: msp/mspimpl.go, `satisfiesPrincipalInternalV142`).
    pub fn has_role(&self, role: Role) -> bool {
        self.roles.contains(&role) || (role == Role::Admin && self.is_named_admin)
    }
}
