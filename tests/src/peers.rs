//! Peers beside the sandbox's own: several of one network, and what a client does with one.

use std::fs;
use std::sync::Arc;
use std::thread;

use rcgen::{CertificateParams, DnType, DnValue, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256};
use tempfile::TempDir;
use wasmcc::client::{self, ProposalBuilder};
use wasmcc::endorser::{Processed, Rejected};
use wasmcc::msp::{Network, NetworkSpec, SigningIdentity};
use wasmcc::node::{Peer, PeerConfig};
use wasmcc::proto::protos::{self, TxValidationCode};
use wasmcc::runtime::Limits;

/// As [`Workers`](wasmcc::workers::Workers) have it.
const STACK_BYTES: usize = 16 << 20;

/// A network whose members can be read any number of times, for peers that share nothing else.
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

    /// Its members.
    pub fn network(&self) -> Network {
        Network::open(&self.folder.path().join("network")).expect("it was just generated")
    }

    /// A client of Org1MSP whose certificate, good otherwise, ended in 2021; it may claim another MSP.
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
        // A CA starts today; only what the certificate itself says decides whether it has expired.
        client.not_before = rcgen::date_time_ymd(2020, 1, 1);
        client.not_after = rcgen::date_time_ymd(2021, 1, 1);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("there is randomness");
        let client = client.signed_by(&key, &Issuer::new(ca, ca_key)).expect("all is set");
        let (client, key) = (client.pem(), key.serialize_pem());
        SigningIdentity::from_pem(msp_id, client.as_bytes(), key.as_bytes()).expect("both fit")
    }

    /// A peer of Org1MSP in memory, with a runtime of its own; `adjust` changes its configuration.
    pub fn peer(&self, adjust: impl FnOnce(&mut PeerConfig)) -> Arc<Peer> {
        let mut config = PeerConfig::new(self.network(), "Org1MSP");
        config.limits = Limits { instances: 16, ..Limits::default() };
        config.ledger.cache_bytes = 16 << 20;
        adjust(&mut config);
        Peer::open(config).expect("the configuration is usable")
    }
}

/// Has a peer process a proposal, on a thread as the peer's own.
pub fn process(peer: &Peer, signed: protos::SignedProposal) -> Result<Processed, Rejected> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK_BYTES);
        let thread = thread.spawn_scoped(scope, || peer.process(signed));
        thread.expect("there is a thread").join().expect("a peer does not panic")
    })
}

/// Has a proposal endorsed and commits it in a block of its own. An error is a refusal of the peer.
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
    Ok(block.map_err(|e| e.to_string())?.codes[0])
}
