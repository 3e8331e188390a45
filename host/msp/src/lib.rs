//! Identities and policies: X.509 identities, signers, signature policies and the configuration of
//! a channel.
//!
//! Does not know ledgers and chaincodes, and keeps no state that changes with blocks.

pub mod acl;
mod capabilities;
mod certificate;
mod channel_config;
mod curve;
mod error;
mod genesis;
mod identity;
mod manager;
mod membership;
mod msp_dir;
pub mod network;
mod node_ous;
pub mod policy;
mod principal;
mod public_key;
mod signature;
mod signer;
mod trust;

pub use acl::AclError;
pub use capabilities::ApplicationCapabilities;
pub use channel_config::BatchLimits;
pub use channel_config::ChannelConfig;
pub use channel_config::ConfigError;
pub use channel_config::OrgEntry;
pub use error::MspError;
pub use error::Refusal;
pub use error::SignatureFault;
pub use genesis::GenesisSpec;
pub use genesis::application_org;
pub use identity::Identity;
pub use identity::common_name;
pub use identity::has_expired;
pub use manager::MspManager;
pub use membership::Msp;
pub use network::Network;
pub use network::NetworkError;
pub use network::NetworkSpec;
pub use node_ous::Role;
pub use policy::PolicyError;
pub use policy::PolicyManager;
pub use policy::SignaturePolicy;
pub use policy::SignedData;
pub use principal::Principal;
pub use signer::SigningIdentity;

#[cfg(test)]
mod tests;
