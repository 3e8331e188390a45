//! Access control lists: which policy protects a resource of the peer.
//!
//! Holds the table of default policies, and checks what the peer's own organization controls. Does
//! not hold the channel's policies.

use crate::error::MspError;
use crate::identity::Identity;
use crate::membership::Msp;
use crate::node_ous::Role;
use crate::policy::{PolicyError, SignedData};

const READERS: &str = "/Channel/Application/Readers";
const WRITERS: &str = "/Channel/Application/Writers";

/// Why the use of a resource is refused.
#[derive(Debug, thiserror::Error)]
pub enum AclError {
    /// The resource has no policy, or none of the required kind.
    #[error("Unmapped policy for {0}")]
    Unmapped(String),
    /// The channel has no such policy. The text is Fabric's: core/aclmgmt/resourceprovider.go,
    /// `CheckACL`.
    #[error(
        "failed evaluating policy on signed data during check policy [{policy}]: [policy {policy} \
         not found]"
    )]
    PolicyNotFound {
        /// The name of the policy.
        policy: String,
    },
    /// The channel's policy is not satisfied. The text is Fabric's: core/policy/policy.go,
    /// `CheckPolicyBySignedData`.
    #[error(
        "Failed evaluating policy on signed data during check policy on channel [{channel}] with \
         policy [{policy}]: [{source}]"
    )]
    Denied {
        /// The channel.
        channel: String,
        /// The name of the policy.
        policy: String,
        /// The cause.
        source: PolicyError,
    },
    /// As `Denied`, for a policy named by the channel's own ACLs. The text is Fabric's:
    /// core/aclmgmt/resourceprovider.go, `CheckACL`.
    #[error("failed evaluating policy on signed data during check policy [{policy}]: [{source}]")]
    DeniedByConfig {
        /// The name of the policy.
        policy: String,
        /// The cause.
        source: PolicyError,
    },
    /// This peer is not on the channel. The text is Fabric's: core/policy/policy.go, `CheckPolicy`.
    #[error("Failed to get policy manager for channel [{channel}]")]
    NoChannel {
        /// The channel.
        channel: String,
    },
    /// A channel's policy protects the resource, and the request names no channel. The text is
    /// Fabric's: core/policy/principal.go, `Get`.
    #[error(
        "Failed getting local MSP principal during channelless check policy with policy \
         [{policy}]: [MSP Principal role [{policy}] not recognized]"
    )]
    NotLocal {
        /// The channel's policy.
        policy: &'static str,
    },
    /// The signer is unknown to the peer's own organization, or the signature is wrong.
    #[error(
        "Failed deserializing proposal creator during channelless check policy with policy \
         [{policy}]: [{source}]"
    )]
    LocalIdentity {
        /// Admins or Members, or a channel's policy.
        policy: &'static str,
        /// The cause.
        source: MspError,
    },
    /// As `LocalIdentity`, for a request that is not a proposal. The text is Fabric's:
    /// core/policy/policy.go, `CheckPolicyNoChannelBySignedData`.
    #[error(
        "failed deserializing signed data identity during channelless check policy with policy \
         [{policy}]: [{source}]"
    )]
    LocalSigner {
        /// Admins or Members.
        policy: &'static str,
        /// The cause.
        source: MspError,
    },
    /// As `NotLocalAdmin`, for a request that is not a proposal.
    #[error(
        "failed verifying that the signed data identity satisfies local MSP principal during \
         channelless check policy with policy [{policy}]: [The identity is not an admin under this \
         MSP [{msp_id}]: The identity does not contain OU [ADMIN], MSP: [{msp_id}]]"
    )]
    SignerNotLocalAdmin {
        /// Admins.
        policy: &'static str,
        /// The peer's own organization.
        msp_id: String,
    },
    /// The signature is not by the claimed signer.
    #[error("The signature is invalid")]
    Signature(#[source] MspError),
    /// The signer is not an admin of the peer's own organization. The text is Fabric's:
    /// core/policy/policy.go, `CheckPolicyNoChannel`.
    #[error(
        "Failed verifying that proposal's creator satisfies local MSP principal during channelless \
         check policy with policy [{policy}]: [The identity is not an admin under this MSP \
         [{msp_id}]: The identity does not contain OU [ADMIN], MSP: [{msp_id}]]"
    )]
    NotLocalAdmin {
        /// Admins.
        policy: &'static str,
        /// The peer's own organization.
        msp_id: String,
    },
}

/// The members of the peer's own organization that may use a resource outside of channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalPolicy {
    /// Its admins.
    Admins,
    /// All its members.
    Members,
}

impl LocalPolicy {
    fn name(self) -> &'static str {
        match self {
            Self::Admins => "Admins",
            Self::Members => "Members",
        }
    }
}

/// Returns the policy of a resource that the peer's own organization controls. Channels cannot
/// override it (Fabric: core/aclmgmt/defaultaclprovider.go, `newDefaultACLProvider`).
pub fn local_policy(resource: &str) -> Option<LocalPolicy> {
    match resource {
        "_lifecycle/InstallChaincode"
        | "_lifecycle/QueryInstalledChaincode"
        | "_lifecycle/GetInstalledChaincodePackage"
        | "_lifecycle/QueryInstalledChaincodes"
        | "_lifecycle/ApproveChaincodeDefinitionForMyOrg"
        | "_lifecycle/QueryApprovedChaincodeDefinition"
        | "_lifecycle/QueryApprovedChaincodeDefinitions"
        | "snapshot/submitrequest"
        | "snapshot/cancelrequest"
        | "snapshot/listpending"
        | "lscc/Install"
        | "lscc/GetInstalledChaincodes"
        | "cscc/JoinChain"
        | "cscc/JoinChainBySnapshot"
        | "cscc/JoinBySnapshotStatus" => Some(LocalPolicy::Admins),
        "cscc/GetChannels" => Some(LocalPolicy::Members),
        _ => None,
    }
}

/// Makes the name of a policy in a channel's ACLs absolute (Fabric: common/channelconfig/acls.go,
/// `newAPIsProvider`). Keeps an empty name, which selects the default policy.
pub(crate) fn absolute(policy: String) -> String {
    match policy.is_empty() || policy.starts_with('/') {
        true => policy,
        false => format!("/Channel/Application/{policy}"),
    }
}

/// Returns the default policy of a channel's resource.
pub fn default_policy(resource: &str) -> Option<&'static str> {
    match resource {
        "_lifecycle/CommitChaincodeDefinition"
        | "_lifecycle/QueryChaincodeDefinition"
        | "_lifecycle/QueryChaincodeDefinitions"
        | "_lifecycle/CheckCommitReadiness"
        | "peer/Propose"
        | "peer/ChaincodeToChaincode" => Some(WRITERS),
        "lscc/ChaincodeExists"
        | "lscc/GetDeploymentSpec"
        | "lscc/GetChaincodeData"
        | "lscc/GetInstantiatedChaincodes"
        | "lscc/GetCollectionsConfig"
        | "qscc/GetChainInfo"
        | "qscc/GetBlockByNumber"
        | "qscc/GetBlockByHash"
        | "qscc/GetTransactionByID"
        | "qscc/GetBlockByTxID"
        | "cscc/GetConfigBlock"
        | "cscc/GetChannelConfig"
        | "event/Block"
        | "event/FilteredBlock"
        | "gateway/CommitStatus"
        | "gateway/ChaincodeEvents" => Some(READERS),
        _ => None,
    }
}

/// Checks the signature of a request that is not a proposal, and that the peer's own organization
/// `local` allows the signer to use the resource.
pub fn check_local_acl(resource: &str, signed: &SignedData, local: &Msp) -> Result<(), AclError> {
    let identity = check_local_creator(resource, &signed.identity, local);
    let identity = identity.map_err(|error| match error {
        AclError::LocalIdentity { policy, source } => AclError::LocalSigner { policy, source },
        AclError::NotLocalAdmin { policy, msp_id } => {
            AclError::SignerNotLocalAdmin { policy, msp_id }
        }
        other => other,
    })?;
    identity.verify(&signed.data, &signed.signature).map_err(AclError::Signature)
}

/// As [`check_local_acl`], for a signer whose signature was checked before. Returns the signer.
pub fn check_local_creator(
    resource: &str,
    creator: &[u8],
    local: &Msp,
) -> Result<Identity, AclError> {
    let policy = policy_name(resource)?;
    let refused = |source| AclError::LocalIdentity { policy, source };
    let identity = local.deserialize(creator).map_err(refused)?;
    match local_policy(resource) {
        None => Err(AclError::NotLocal { policy }),
        Some(LocalPolicy::Admins) if !identity.has_role(Role::Admin) => {
            let msp_id = local.id().to_owned();
            Err(AclError::NotLocalAdmin { policy, msp_id })
        }
        Some(_) => Ok(identity),
    }
}

/// Returns the refusal of a resource of a channel that this peer has not joined.
pub fn unknown_channel(resource: &str, channel: &str) -> AclError {
    match policy_name(resource) {
        Ok(_) => AclError::NoChannel { channel: channel.to_owned() },
        Err(unmapped) => unmapped,
    }
}

/// Returns the name of the policy that Fabric checks by default.
fn policy_name(resource: &str) -> Result<&'static str, AclError> {
    let local = local_policy(resource).map(LocalPolicy::name);
    let policy = local.or_else(|| default_policy(resource));
    policy.ok_or_else(|| AclError::Unmapped(resource.to_owned()))
}
