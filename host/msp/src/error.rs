//! Errors of identities, keys and the configuration of organizations.

use std::path::PathBuf;

use prost::DecodeError;

/// Why an identity, a signature, a signing key or the configuration of an MSP is refused.
#[derive(Debug, thiserror::Error)]
pub enum MspError {
    /// The bytes are not an `msp.SerializedIdentity`.
    #[error("the identity is not a serialized identity")]
    Serialized(#[source] DecodeError),
    /// No organization has this MSP id.
    #[error("MSP {msp_id} is unknown")]
    UnknownMsp {
        /// The MSP id in the identity.
        msp_id: String,
    },
    /// The identity does not belong to the MSP that deserializes it. The text is Fabric's:
    /// msp/mspimpl.go, `DeserializeIdentity`.
    #[error("expected MSP ID {expected}, received {received}")]
    OtherMsp {
        /// The MSP that deserializes it.
        expected: String,
        /// The MSP id that the identity claims.
        received: String,
    },
    /// A certificate is not PEM. The text is Fabric's: msp/mspimpl.go,
    /// `deserializeIdentityInternal`.
    #[error("could not decode the PEM structure")]
    Pem,
    /// A certificate or revocation list is not X.509.
    #[error("not a well-formed X.509 structure")]
    X509(#[source] X509Fault),
    /// A revocation list does not identify its CA. The text is Fabric's: msp/mspimplvalidate.go,
    /// `getAuthorityKeyIdentifierFromCrl`.
    #[error(
        "could not obtain Authority Key Identifier for crl: authorityKeyIdentifier not found in \
         certificate"
    )]
    NoAuthorityKeyId,
    /// The algorithm of a revocation list's signature is not supported.
    #[error("the revocation list is not signed with ECDSA or RSA and SHA-2")]
    ListAlgorithm,
    /// A certificate uses something that is not supported.
    #[error("the certificate of '{subject}' {what}")]
    Unsupported {
        /// Subject of the certificate.
        subject: String,
        /// Completes the sentence that begins with "the certificate".
        what: &'static str,
    },
    /// The certificate has no chain to a root of the organization.
    #[error("the certificate of '{subject}' has no chain to a root of MSP {msp_id}: {reason}")]
    Chain {
        /// The organization.
        msp_id: String,
        /// Subject of the certificate.
        subject: String,
        /// The reason why the last chain failed.
        reason: &'static str,
    },
    /// The organization issued the certificate, but it is not valid as an identity.
    #[error("the identity '{subject}' is not valid under MSP {msp_id}: {refusal}")]
    Refused {
        /// The organization.
        msp_id: String,
        /// Subject of the certificate.
        subject: String,
        /// The broken rule.
        refusal: Refusal,
    },
    /// A signature is invalid.
    #[error("the signature is not valid: {0}")]
    Signature(SignatureFault),
    /// The configuration of an MSP breaks a rule.
    #[error("the configuration of MSP '{msp_id}' is not valid: {rule}")]
    Config {
        /// The organization.
        msp_id: String,
        /// The broken rule.
        rule: String,
    },
    /// A part of the configuration of an MSP is unusable.
    #[error("the configuration of MSP '{msp_id}' is not valid: {part}")]
    ConfigPart {
        /// The organization.
        msp_id: String,
        /// The part.
        part: &'static str,
        /// The cause.
        #[source]
        source: Box<MspError>,
    },
    /// Setting up the organization takes too many checks of signatures.
    #[error(
        "setting up the organization takes more than {limit} checks of signatures: list fewer CAs \
         that have the same name or key identifier, fewer revocation lists or fewer admins"
    )]
    TooManyChecks {
        /// The limit; a check over more than 64 KiB counts as several.
        limit: u64,
    },
    /// A private key is unusable.
    #[error("the private key of MSP '{msp_id}' is not usable: {reason}")]
    Key {
        /// The organization of the signer.
        msp_id: String,
        /// The reason.
        reason: &'static str,
    },
    /// An organization has no member of this name.
    #[error("MSP '{msp_id}' has no member {name}{reason}")]
    NoMember {
        /// The organization.
        msp_id: String,
        /// The requested name.
        name: String,
        /// Completes the sentence if the member has a folder; else empty.
        reason: String,
    },
    /// A file of an MSP folder cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        #[source]
        source: std::io::Error,
    },
    /// A line of `config.yaml` does not parse.
    #[error("{}, line {line}: {reason}", path.display())]
    Yaml {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What was expected.
        reason: &'static str,
    },
}

/// Why bytes are not a certificate or revocation list. The texts are those of Go's `crypto/x509`,
/// which Fabric's peers use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct X509Fault(&'static str);

impl X509Fault {
    pub(crate) const fn new(text: &'static str) -> Self {
        Self(text)
    }
}

impl MspError {
    /// The organization that issued the identity but refuses it; `None` for other errors, for
    /// example an unreadable identity. Fabric's endorser has a different text for each case
    /// (core/endorser/msgvalidation.go, `UnpackedProposal.Validate`).
    pub fn refused_by(&self) -> Option<&str> {
        match self {
            Self::Refused { msp_id, .. } => Some(msp_id),
            _ => None,
        }
    }

    pub(crate) fn in_part(self, msp_id: &str, part: &'static str) -> Self {
        // The cause lies in the whole organization, which may be shared: the text must be the same
        // everywhere.
        if matches!(self, Self::TooManyChecks { .. }) {
            return self;
        }
        Self::ConfigPart { msp_id: msp_id.to_owned(), part, source: Box::new(self) }
    }
}

/// The rule that an identity breaks although its organization issued it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A CA certificate is used as an identity.
    #[error("a CA certificate cannot be used as an identity")]
    Authority,
    /// The serial number is in a revocation list of the issuer.
    #[error("the certificate has been revoked")]
    Revoked,
    /// The certificate has none of the required organizational units.
    #[error("none of its organizational units {ous:?} is recognized by the MSP")]
    UnknownOu {
        /// The units of the certificate.
        ous: Vec<String>,
    },
    /// NodeOUs are enabled, and no unit names a role.
    #[error("no organizational unit of {ous:?} is the client, peer, admin or orderer role")]
    NoRole {
        /// The units of the certificate.
        ous: Vec<String>,
    },
    /// NodeOUs are enabled, and several units name roles.
    #[error("more than one organizational unit of {ous:?} is a role")]
    ManyRoles {
        /// The units of the certificate.
        ous: Vec<String>,
    },
    /// The role's unit is valid only under another CA of the organization.
    #[error("the organizational unit '{ou}' is not valid under the CA that issued it")]
    Certifier {
        /// The unit that names the role.
        ou: String,
    },
}

/// Why a signature is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// Not a DER sequence of two positive integers of at most 32 bytes.
    #[error("it is not a DER-encoded ECDSA signature")]
    Malformed,
    /// S is above half the order of the curve. Anyone can make this variant of a signature.
    #[error("its S is too high")]
    HighS,
    /// Well-formed, but not a signature of this message by this key.
    #[error("it was not made by this key over this message")]
    Mismatch,
}
