//! Identities and policies: X.509 identities, signers, signature policies and the configuration of
//! a channel.
//!
//! Does not know ledgers and chaincodes, and keeps no state that changes with blocks.

pub mod acl;
mod batch_limits;
mod capabilities;
mod certificate;
mod channel_config;
mod config_reader;
mod config_rules;
mod curve;
mod der;
mod error;
mod expiry;
mod extensions;
mod genesis;
mod identity;
mod known_signatures;
mod manager;
mod membership;
mod msp_dir;
pub mod network;
mod node_ous;
mod pem;
pub mod policy;
mod principal;
mod public_key;
mod revocation_list;
mod setup_limits;
mod shared_msps;
mod signature;
mod signer;
mod tls_authorities;
mod trust;
mod uri;
mod x509;
mod yaml;

pub use acl::AclError;
pub use batch_limits::BatchLimits;
pub use capabilities::{ApplicationCapabilities, ChannelCapabilities, OrdererCapabilities};
pub use channel_config::{ChannelConfig, ConfigError, OrgEntry, config_of_block, is_cluster};
pub use error::{MspError, Refusal, SignatureFault, X509Fault};
pub use expiry::Expiry;
pub use genesis::{GenesisSpec, application_org};
pub use identity::{Identity, common_name, has_expired};
pub use known_signatures::forget_signatures;
pub use manager::MspManager;
pub use membership::Msp;
pub use network::{Network, NetworkError, NetworkSpec, OrdererSpec, OrgSpec};
pub use node_ous::Role;
pub use policy::{PolicyError, PolicyManager, SignaturePolicy, SignedData};
pub use principal::Principal;
pub use setup_limits::{ElementCount, TooMany};
pub use signer::SigningIdentity;

#[cfg(test)]
mod tests;
