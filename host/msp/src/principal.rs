//! Principals: what a policy requires of a signer.
//!
//! Invariant: parsing never fails. A principal that does not parse is never satisfied, as in
//! Fabric, which compiles policies before it reads their principals (common/cauthdsl, `compile`).

use prost::Message;

use crate::certificate::MemberCertificate;
use crate::node_ous::Role;
use wasmcc_types::decode_bounded;
use wasmcc_types::proto::common::msp_principal::Classification;
use wasmcc_types::proto::common::msp_role::MspRoleType;
use wasmcc_types::proto::common::{MspPrincipal, MspRole, OrganizationUnit};
use wasmcc_types::proto::msp::SerializedIdentity;

/// Limit on the depth of combined principals. Real ones are not nested.
const MAX_DEPTH: usize = 8;
/// Limit on the principals in a combined one, including those of inner ones. A policy of 4,096
/// rules may refer to the same combined principal in each rule.
const MAX_PARTS: usize = 100;
/// Limit on the fields of a combined principal; each part has two.
const MAX_FIELDS: usize = 10 * MAX_PARTS;

/// A parsed `common.MSPPrincipal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Any valid member of the organization.
    Member {
        /// The organization.
        msp_id: String,
    },
    /// A member with a role.
    Role {
        /// The organization.
        msp_id: String,
        /// The role.
        role: Role,
    },
    /// A member with an organizational unit that was issued under certain CAs.
    OrganizationUnit {
        /// The organization.
        msp_id: String,
        /// The unit.
        ou: String,
        /// SHA-256 of the chain of CAs.
        certifiers: Vec<u8>,
    },
    /// One particular member.
    Identity {
        /// The organization.
        msp_id: String,
        /// The DER certificate, its signature with a low S.
        certificate: Vec<u8>,
    },
    /// A member that satisfies all of these.
    All(Vec<Principal>),
    /// Everyone except anonymous identities; a member with a certificate is never anonymous.
    Anyone,
    /// Never satisfied: the principal does not parse, or requires a property that X.509 identities
    /// never have.
    Nobody,
}

/// `common.CombinedPrincipal`.
#[derive(Clone, PartialEq, Message)]
struct CombinedPrincipal {
    #[prost(message, repeated, tag = "1")]
    principals: Vec<MspPrincipal>,
}

/// `common.MSPIdentityAnonymity`.
#[derive(Clone, PartialEq, Message)]
struct MspIdentityAnonymity {
    /// 0 means nominal, 1 anonymous.
    #[prost(int32, tag = "1")]
    anonymity_type: i32,
}

impl Principal {
    /// Reads a principal.
    pub fn parse(principal: &MspPrincipal) -> Self {
        Self::parse_at(principal, 0, &mut 0).unwrap_or(Self::Nobody)
    }

    /// Returns the message of a role; None for other principals. Policies made by this program
    /// contain only roles.
    pub fn to_message(&self) -> Option<MspPrincipal> {
        let (msp_id, role) = match self {
            Self::Member { msp_id } => (msp_id, MspRoleType::Member),
            Self::Role { msp_id, role } => (msp_id, role_type(*role)),
            _ => return None,
        };
        let role = MspRole { msp_identifier: msp_id.clone(), role: role.into() };
        Some(MspPrincipal {
            principal_classification: Classification::Role.into(),
            principal: role.encode_to_vec(),
        })
    }

    /// Number of principals, including the parts of combined ones.
    pub(crate) fn parts(&self) -> usize {
        match self {
            Self::All(parts) => parts.iter().map(Self::parts).sum::<usize>() + 1,
            _ => 1,
        }
    }

    fn parse_at(principal: &MspPrincipal, depth: usize, parts: &mut usize) -> Option<Self> {
        let bytes = principal.principal.as_slice();
        match Classification::try_from(principal.principal_classification).ok()? {
            Classification::Role => Self::parse_role(bytes),
            Classification::OrganizationUnit => {
                let unit = OrganizationUnit::decode(bytes).ok()?;
                Some(Self::OrganizationUnit {
                    msp_id: unit.msp_identifier,
                    ou: unit.organizational_unit_identifier,
                    certifiers: unit.certifiers_identifier,
                })
            }
            Classification::Identity => {
                let identity = SerializedIdentity::decode(bytes).ok()?;
                let certificate = MemberCertificate::from_pem(&identity.id_bytes).ok()?;
                Some(Self::Identity { msp_id: identity.mspid, certificate: certificate.der })
            }
            Classification::Anonymity => {
                let anonymity = MspIdentityAnonymity::decode(bytes).ok()?;
                (anonymity.anonymity_type == 0).then_some(Self::Anyone)
            }
            Classification::Combined => {
                let combined = decode_bounded::<CombinedPrincipal>(bytes, MAX_FIELDS);
                let combined = combined.ok()?.principals;
                *parts += combined.len();
                if combined.is_empty() || depth == MAX_DEPTH || *parts > MAX_PARTS {
                    return None;
                }
                let all = combined.iter().map(|part| Self::parse_at(part, depth + 1, parts));
                Some(Self::All(all.collect::<Option<Vec<_>>>()?))
            }
        }
    }

    fn parse_role(bytes: &[u8]) -> Option<Self> {
        let role = MspRole::decode(bytes).ok()?;
        let msp_id = role.msp_identifier;
        let role = match MspRoleType::try_from(role.role).ok()? {
            MspRoleType::Member => return Some(Self::Member { msp_id }),
            MspRoleType::Admin => Role::Admin,
            MspRoleType::Client => Role::Client,
            MspRoleType::Peer => Role::Peer,
            MspRoleType::Orderer => Role::Orderer,
        };
        Some(Self::Role { msp_id, role })
    }
}

fn role_type(role: Role) -> MspRoleType {
    match role {
        Role::Client => MspRoleType::Client,
        Role::Peer => MspRoleType::Peer,
        Role::Admin => MspRoleType::Admin,
        Role::Orderer => MspRoleType::Orderer,
    }
}
