//! Helpers of the integration tests.
//!
//! Invariant: contains no checks; these are in the tests.

pub mod bridged;
pub mod built;
pub mod certificates;
pub mod chain;
pub mod chart;
pub mod conformance;
pub mod dev;
mod external_chaincode;
pub mod foreign;
mod forge;
pub mod gateway_client;
mod invocation;
pub mod load_peer;
mod map_backend;
pub mod measure;
mod packages;
pub mod pair;
pub mod past;
mod peers;
pub mod program;
pub mod programs;
pub mod recording;
pub mod replica;
mod scripted;
mod served;
mod text_component;
pub mod web;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use wasmcc_node::sandbox::Call;
use wasmcc_peer::chaincode::ExternalConfig;
use wasmcc_types::proto::protos;

pub use external_chaincode::{ExternalChaincode, Program};
pub use forge::{Forge, high_s};
pub use invocation::invocation;
pub use map_backend::{MapBackend, State};
pub use packages::package;
pub use peers::{
    Peers, create_channel, deploy, deploy_code, evaluate, install_code, on_peer_thread, process,
    submit, user,
};
pub use scripted::Scripted;
pub use served::Served;
pub use text_component::TextComponent;

/// Returns the component of a chaincode of this repository, such as `probe`. The first call builds
/// all of them.
///
/// # Panics
/// Panics if the chaincodes do not build, or the name is unknown.
#[allow(clippy::panic, reason = "a test cannot go on without its chaincode")]
pub fn guest(name: &str) -> Vec<u8> {
    let path = guest_path(name);
    match std::fs::read(path) {
        Ok(component) => component,
        Err(error) => panic!("{}: {error}", path.display()),
    }
}

/// Returns the path of the component that [`guest`] reads.
///
/// # Panics
/// Panics if the chaincodes do not build, or the name is unknown.
#[allow(clippy::panic, reason = "a test cannot go on without its chaincode")]
pub fn guest_path(name: &str) -> &'static Path {
    static GUESTS: OnceLock<Vec<xtask::guests::Guest>> = OnceLock::new();
    let guests = GUESTS.get_or_init(|| match xtask::guests::build() {
        Ok(guests) => guests,
        Err(error) => panic!("{error:#}"),
    });
    let Some(guest) = guests.iter().find(|guest| guest.name == name) else {
        panic!("there is no chaincode {name}");
    };
    &guest.path
}

/// Returns a folder of captured bytes.
pub fn golden(folder: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(folder)
}

/// Returns a call, written as on a command line: the function, then its arguments; `''` is an empty
/// one.
pub fn call(chaincode: &str, line: &str) -> Call {
    let mut words = line.split_whitespace().map(|word| if word == "''" { "" } else { word });
    Call::new(chaincode, words.next().unwrap_or_default()).args(words)
}

/// Returns the configuration of a peer that accepts chaincodes from this machine without proof.
pub fn trusting() -> ExternalConfig {
    let connect_wait = Duration::from_secs(60);
    ExternalConfig { connect_wait, trust_local: true, ..ExternalConfig::default() }
}

/// Returns the specification for LSCC's install and deploy; a deploy has no code.
pub fn deployment_spec(
    name: &str,
    version: &str,
    code: Vec<u8>,
) -> protos::ChaincodeDeploymentSpec {
    let id =
        protos::ChaincodeId { name: name.into(), version: version.into(), ..Default::default() };
    let spec = protos::ChaincodeSpec { chaincode_id: Some(id), ..Default::default() };
    protos::ChaincodeDeploymentSpec { chaincode_spec: Some(spec), code_package: code }
}

/// The examples of the README, which must compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
