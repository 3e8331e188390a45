//! Peers without a sandbox: several of one network, and the actions of a client.

use std::sync::{Arc, LazyLock};
use std::{fs, thread};

use rcgen::{CertificateParams, DnType, DnValue, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256};
use tempfile::TempDir;
use wasmcc_client as client;
use wasmcc_client::{ProposalBuilder, lscc};
use wasmcc_msp::{Network, NetworkSpec, SigningIdentity};
use wasmcc_node::{Peer, PeerConfig};
use wasmcc_peer::endorser::{Processed, Rejected};
use wasmcc_runtime::{Limits, Runtime, RuntimeConfig};
use wasmcc_types::proto::protos::{self, TxValidationCode};

use crate::bridged::INSTANCES;

/// The stack size of [`Workers`](wasmcc_workers::Workers).
const STACK_BYTES: usize = 16 << 20;

/// A network whose members can be read repeatedly, for peers that share nothing else.
pub struct Peers {
    folder: TempDir,
}

impl Peers {
    /// Generates the network.
    pub fn new(spec: &NetworkSpec) -> Self {
        let folder = tempfile::tempdir().expect("there is a folder for temporary files");
        Network::generate(&folder.path().join("network"), spec).expect("the network is usable");
        Self { folder }
    }

    /// Returns its members.
    pub fn network(&self) -> Network {
        Network::open(&self.folder.path().join("network")).expect("it was just generated")
    }

    /// Returns a client of Org1MSP with a certificate that expired in 2021 and is otherwise valid;
    /// it may claim another MSP.
    pub fn expired_client(&self, msp_id: &str) -> SigningIdentity {
        let domain = "org1.example.com";
        let ca = self.folder.path().join("network/peerOrganizations").join(domain).join("ca");
        let ca_key = fs::read_to_string(ca.join("priv_sk")).expect("the CA's key lies there");
        let ca_key = KeyPair::from_pem(&ca_key).expect("it is a key");
        let params = |unit: DnType, unit_name: &str, name: &str| {
            let mut params = CertificateParams::default();
            params.distinguished_name = rcgen::DistinguishedName::new();
            for (kind, value) in [
                (DnType::CountryName, "US"),
                (DnType::StateOrProvinceName, "California"),
                (DnType::LocalityName, "San Francisco"),
                (unit, unit_name),
                (DnType::CommonName, name),
            ] {
                let value = value.try_into().map(DnValue::PrintableString);
                params.distinguished_name.push(kind, value.expect("plain letters"));
            }
            params
        };
        let ca = params(DnType::OrganizationName, domain, &format!("ca.{domain}"));
        let mut client = params(DnType::OrganizationalUnitName, "client", "Late");
        // The CA is valid from today; only the certificate's own dates decide whether it has
        // expired.
        client.not_before = rcgen::date_time_ymd(2020, 1, 1);
        client.not_after = rcgen::date_time_ymd(2021, 1, 1);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("there is randomness");
        let client = client.signed_by(&key, &Issuer::new(ca, ca_key)).expect("all is set");
        let (client, key) = (client.pem(), key.serialize_pem());
        SigningIdentity::from_pem(msp_id, client.as_bytes(), key.as_bytes()).expect("both fit")
    }

    /// Returns an in-memory peer of Org1MSP; `adjust` changes its configuration. It shares a
    /// runtime with the others, so that a component is compiled once, unless `adjust` removes it.
    pub fn peer(&self, adjust: impl FnOnce(&mut PeerConfig)) -> Arc<Peer> {
        static RUNTIME: LazyLock<Arc<Runtime>> = LazyLock::new(|| {
            let limits = Limits { instances: INSTANCES, ..Limits::default() };
            let runtime = Runtime::new(RuntimeConfig { limits, ..Default::default() });
            Arc::new(runtime.expect("the machine runs WebAssembly"))
        });
        let mut config = PeerConfig::new(self.network(), "Org1MSP");
        config.limits = Limits { instances: INSTANCES, ..Limits::default() };
        config.runtime = Some(Arc::clone(&RUNTIME));
        config.ledger.cache_bytes = 16 << 20;
        adjust(&mut config);
        Peer::open(config).expect("the configuration is usable")
    }
}

/// Runs `job` on a thread like a peer's own.
pub fn on_peer_thread<T: Send>(job: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK_BYTES);
        let thread = thread.spawn_scoped(scope, job);
        thread.expect("there is a thread").join().expect("a peer does not panic")
    })
}

/// A peer processes a proposal.
pub fn process(peer: &Peer, signed: protos::SignedProposal) -> Result<Processed, Rejected> {
    on_peer_thread(|| peer.process(signed))
}

/// Creates a channel of the whole network and joins it.
pub fn create_channel(peer: &Peer, name: &str) {
    on_peer_thread(|| peer.create_channel(name)).expect("the name is good and new");
}

/// Endorses a proposal and commits it in its own block. An error is a refusal by the peer.
pub fn submit(
    peer: &Peer,
    channel: &str,
    proposal: ProposalBuilder,
    signer: &SigningIdentity,
) -> Result<TxValidationCode, String> {
    let proposal = proposal.sign(signer);
    let response = process(peer, proposal.signed.clone()).map_err(|e| e.to_string())?.response;
    let envelope = client::transaction(&proposal.signed, &[response]).map_err(|e| e.to_string())?;
    let committer = peer.committer(channel).ok_or("no such channel")?;
    let block = committer.commit_envelopes(vec![client::sign_envelope(envelope, signer)]);
    Ok(block.map_err(|e| e.to_string())?.codes()[0])
}

/// Installs a chaincode of this repository under `name` and deploys it on a channel as version 1.0.
pub fn deploy(peer: &Peer, channel: &str, name: &str, guest: &str) {
    install_code(peer, name, "1.0", &crate::guest(guest));
    deploy_code(peer, channel, name, "1.0");
}

/// Installs a component, or the description of a chaincode in another process.
pub fn install_code(peer: &Peer, name: &str, version: &str, code: &[u8]) {
    let install = lscc::install(name, version, code.to_vec()).sign(&admin(peer));
    let installed = process(peer, install.signed).expect("it is a good proposal").response;
    let installed = installed.response.unwrap_or_default();
    assert_eq!(installed.status, 200, "{}", installed.message);
}

/// Deploys installed code on a channel.
pub fn deploy_code(peer: &Peer, channel: &str, name: &str, version: &str) {
    let definition = lscc::Definition {
        channel_id: channel.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        ..lscc::Definition::default()
    };
    deploy_definition(peer, definition);
}

/// Deploys installed code on a channel with a definition.
pub(crate) fn deploy_definition(peer: &Peer, definition: lscc::Definition) {
    let channel = definition.channel_id.clone();
    let deployed = submit(peer, &channel, lscc::deploy(definition), &admin(peer));
    assert_eq!(deployed, Ok(TxValidationCode::Valid));
}

fn admin(peer: &Peer) -> SigningIdentity {
    let org = peer.network().org("Org1MSP").expect("it is the peer's own");
    org.admin().expect("it has an admin")
}

/// Returns `User1` of the peer's organization.
pub fn user(peer: &Peer) -> SigningIdentity {
    let org = peer.network().org("Org1MSP").expect("it is the peer's own");
    org.user("User1").expect("every network has this user")
}

/// Returns the answer to a call; nothing is committed.
pub fn evaluate(peer: &Peer, channel: &str, name: &str, args: &[&str]) -> protos::Response {
    let proposal = ProposalBuilder::new(channel, name).args(args.iter().copied());
    let processed = process(peer, proposal.sign(&user(peer)).signed);
    processed.expect("it is a good proposal").response.response.unwrap_or_default()
}
