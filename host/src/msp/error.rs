//! What can be wrong with an identity, a key or an organization's configuration.

use std::path::PathBuf;

use prost::DecodeError;
use x509_parser::error::PEMError;
use x509_parser::error::X509Error;

/// Why an identity, a signature, a signing key or the configuration of an MSP was refused.
#[derive(Debug, thiserror::Error)]
pub enum MspError {
    /// The bytes are not a `msp.SerializedIdentity`.
    #[error("the identity is not a serialized identity")]
    Serialized(#[source] DecodeError),
    /// No organization here has this MSP id.
    #[error("MSP {msp_id} is unknown")]
    UnknownMsp {
        /// The MSP id that the identity claims.
        msp_id: String,
    },
    /// The identity is not of the MSP that was asked. Fabric's words: msp/mspimpl.go,
    /// `DeserializeIdentity`.
    #[error("expected MSP ID {expected}, received {received}")]
    OtherMsp {
        /// The MSP that was asked.
        expected: String,
        /// The MSP id that the identity claims.
        received: String,
    },
    /// A certificate or key is not PEM.
    #[error("no readable PEM block")]
    Pem(#[source] PEMError),
    /// A certificate or revocation list is not X.509.
    #[error("not a well-formed X.509 structure")]
    X509(#[source] X509Error),
    /// A certificate uses what is not supported here.
    #[error("the certificate of '{subject}' {what}")]
    Unsupported {
        /// Subject of the certificate.
        subject: String,
        /// Completes the sentence that begins with "the certificate".
        what: &'static str,
    },
    /// The certificate does not lead to a root of the organization.
    #[error("the certificate of '{subject}' has no chain to a root of MSP {msp_id}: {reason}")]
    Chain {
        /// The organization.
        msp_id: String,
        /// Subject of the certificate.
        subject: String,
        /// The last obstacle that was met.
        reason: &'static str,
    },
    /// The organization issued the certificate but it is not valid as an identity.
    #[error("the identity '{subject}' is not valid under MSP {msp_id}: {refusal}")]
    Refused {
        /// The organization.
        msp_id: String,
        /// Subject of the certificate.
        subject: String,
        /// The rule that is broken.
        refusal: Refusal,
    },
    /// A signature is not acceptable.
    #[error("the signature is not valid: {0}")]
    Signature(SignatureFault),
    /// The configuration of an MSP breaks a rule.
    #[error("the configuration of MSP '{msp_id}' is not valid: {rule}")]
    Config {
        /// The organization.
        msp_id: String,
        /// The rule that is broken.
        rule: String,
    },
    /// A part of the configuration of an MSP is not usable.
    #[error("the configuration of MSP '{msp_id}' is not valid: {part}")]
    ConfigPart {
        /// The organization.
        msp_id: String,
        /// Which part.
        part: &'static str,
        /// What is wrong with it.
        #[source]
        source: Box<MspError>,
    },
    /// A private key is not usable.
    #[error("the private key of MSP '{msp_id}' is not usable: {reason}")]
    Key {
        /// The organization of the signer.
        msp_id: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An organization has no member of that name.
    #[error("MSP '{msp_id}' has no member {name}{reason}")]
    NoMember {
        /// The organization.
        msp_id: String,
        /// The name that was asked for.
        name: String,
        /// Completes the sentence if there is a folder for the member; else empty.
        reason: String,
    },
    /// A file of an MSP folder could not be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A line of `config.yaml` is not understood.
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

impl MspError {
    /// The organization that knows the identity but refuses it. `None` if the identity could not
    /// even be read as one of a known organization. Fabric's endorser words the two differently
    /// (core/endorser/msgvalidation.go, `UnpackedProposal.Validate`).
    pub fn refused_by(&self) -> Option<&str> {
        match self {
            Self::Refused { msp_id, .. } => Some(msp_id),
            _ => None,
        }
    }

    pub(super) fn in_part(self, msp_id: &str, part: &'static str) -> Self {
        Self::ConfigPart { msp_id: msp_id.to_owned(), part, source: Box::new(self) }
    }
}

/// The rule that an identity breaks although its organization issued it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A CA certificate stands in for an identity.
    #[error("a CA certificate cannot be used as an identity")]
    Authority,
    /// The serial number is in a revocation list of the issuer.
    #[error("the certificate has been revoked")]
    Revoked,
    /// None of the organizational units that the MSP asks for.
    #[error("none of its organizational units {ous:?} is recognized by the MSP")]
    UnknownOu {
        /// What the certificate has.
        ous: Vec<String>,
    },
    /// NodeOUs are on and no unit names a role.
    #[error("no organizational unit of {ous:?} is the client, peer, admin or orderer role")]
    NoRole {
        /// What the certificate has.
        ous: Vec<String>,
    },
    /// NodeOUs are on and several units name roles.
    #[error("more than one organizational unit of {ous:?} is a role")]
    ManyRoles {
        /// What the certificate has.
        ous: Vec<String>,
    },
    /// The role's unit is only good under another CA of the organization.
    #[error("the organizational unit '{ou}' is not valid under the CA that issued it")]
    Certifier {
        /// The unit that names the role.
        ou: String,
    },
}

/// What is wrong with a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// Not a DER sequence of two positive integers of at most 32 bytes.
    #[error("it is not a DER-encoded ECDSA signature")]
    Malformed,
    /// S is above half the order of the curve: anyone could have made this twin of a signature.
    #[error("its S is too high")]
    HighS,
    /// Well-formed, but not of this message by this key.
    #[error("it was not made by this key over this message")]
    Mismatch,
}
