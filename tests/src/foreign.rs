//! Contracts that toolchains of other languages compiled, each on its own peer.

use std::sync::{Arc, LazyLock};

use wasmcc_channel::collections::package_from_json;
use wasmcc_client::{ProposalBuilder, lscc};
use wasmcc_msp::{NetworkSpec, SigningIdentity};
use wasmcc_node::Peer;
use wasmcc_node::sandbox::CHANNEL;
use wasmcc_peer::endorser::Processed;
use wasmcc_runtime::{Failure, Invocation, Limits, Outcome, Runtime, RuntimeConfig};
use wasmcc_types::proto::protos::{Response, TxValidationCode};
use xtask::languages::Language;

use crate::invocation::invocation;
use crate::map_backend::MapBackend;
use crate::peers::{Peers, create_channel, deploy_definition, install_code, process, submit, user};

/// The name of the contract on its peer.
pub const NAME: &str = "guest";

const COLLECTIONS: &str = r#"[{"name":"secrets","policy":"OR('Org1MSP.member')"}]"#;

/// Shared, with a folder for compiled code: compiling interpreters takes seconds.
pub static RUNTIME: LazyLock<Arc<Runtime>> = LazyLock::new(|| {
    let limits = Limits { instances: 8, ..Limits::default() };
    let folder = xtask::guest_tools::folder().expect("there is a target folder");
    let cache_dir = Some(folder.join("compiled"));
    let config = RuntimeConfig { limits, cache_dir, ..RuntimeConfig::default() };
    Arc::new(Runtime::new(config).expect("the machine runs WebAssembly"))
});

/// Returns the component of a language's contract; the first call builds it.
///
/// # Panics
/// Panics if it does not build; the text names what is missing.
#[allow(clippy::panic, reason = "a test cannot go on without its chaincode")]
pub fn foreign(language: Language) -> Vec<u8> {
    let read = |path: std::path::PathBuf| Ok(std::fs::read(path)?);
    language.build().and_then(read).unwrap_or_else(|error| panic!("{error:#}"))
}

/// A peer with the contract of one language.
pub struct Foreign {
    peer: Arc<Peer>,
    user: SigningIdentity,
    /// The folder with the peer's files.
    _network: Peers,
}

impl Foreign {
    /// Deploys it with a collection `secrets`.
    pub fn deploy(language: Language) -> Self {
        Self::of(&foreign(language))
    }

    /// Deploys any component with a collection `secrets`.
    pub fn of(component: &[u8]) -> Self {
        let network = Peers::new(&NetworkSpec::default());
        let peer = network.peer(|config| config.runtime = Some(Arc::clone(&RUNTIME)));
        create_channel(&peer, CHANNEL);
        install_code(&peer, NAME, "1.0", component);
        let collections = package_from_json(COLLECTIONS).expect("it is a collection");
        deploy_definition(
            &peer,
            lscc::Definition {
                channel_id: CHANNEL.into(),
                name: NAME.into(),
                version: "1.0".into(),
                collections: Some(collections),
                ..lscc::Definition::default()
            },
        );
        let user = user(&peer);
        Self { peer, user, _network: network }
    }

    fn proposal(args: &[&str]) -> ProposalBuilder {
        ProposalBuilder::new(CHANNEL, NAME).args(args.iter().copied())
    }

    /// Simulates a call.
    pub fn simulate(&self, args: &[&str]) -> Processed {
        self.simulate_as(Self::proposal(args))
    }

    /// Simulates a call with a nonce and a time.
    pub fn simulate_at(&self, args: &[&str], nonce: &str, seconds: i64) -> Processed {
        let timestamp = wasmcc_types::Timestamp { seconds, nanos: 123_000_000 };
        self.simulate_as(Self::proposal(args).nonce(nonce).timestamp(timestamp))
    }

    fn simulate_as(&self, proposal: ProposalBuilder) -> Processed {
        process(&self.peer, proposal.sign(&self.user).signed).expect("it is a good proposal")
    }

    /// Returns the response to a call.
    pub fn response(&self, args: &[&str]) -> Response {
        self.simulate(args).response.response.unwrap_or_default()
    }

    /// Returns the payload of a successful call, as text.
    pub fn text(&self, args: &[&str]) -> String {
        let response = self.response(args);
        assert_eq!((response.status, response.message.as_str()), (200, ""), "{args:?}");
        String::from_utf8(response.payload).expect("it is text")
    }

    /// Returns the error of a transaction without a response.
    pub fn failure(&self, args: &[&str]) -> String {
        let response = self.simulate(args).response;
        assert_eq!((&response.endorsement, response.payload.len()), (&None, 0), "{args:?}");
        let response = response.response.unwrap_or_default();
        assert_eq!((response.status, response.payload.len()), (500, 0), "{args:?}");
        response.message
    }

    /// Commits a call.
    pub fn submit(&self, args: &[&str]) {
        let committed = submit(&self.peer, CHANNEL, Self::proposal(args), &self.user);
        assert_eq!(committed, Ok(TxValidationCode::Valid), "{args:?}");
    }
}

/// Runs a call that makes no calls of its peer.
///
/// # Errors
/// The guest failed.
///
/// # Panics
/// Panics if the component is refused.
pub fn run_alone(component: &[u8], args: &[&str], limits: Limits) -> Result<Outcome, Failure> {
    let component = RUNTIME.load(component).expect("it runs on peers");
    let invocation = Invocation {
        channel_id: CHANNEL.into(),
        limits: Some(Arc::new(limits)),
        ..invocation(NAME, args)
    };
    RUNTIME.invoke(&component, invocation, Box::<MapBackend>::default())
}
