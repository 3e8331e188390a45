//! One peer, and the way in which it runs its chaincodes' components.

use std::sync::Arc;

use wasmcc_bridge::{PeerAddress, ProgramConfig};
use wasmcc_channel::collections::package_from_json;
use wasmcc_client::lscc;
use wasmcc_node::{Peer, PeerConfig};
use wasmcc_peer::chaincode::{Files, ProgramBundle};
use wasmcc_protocol::BatchLimits;

use crate::bridged::{Bridged, program, runtime};
use crate::conformance::Deployment;
use crate::peers::{Peers, create_channel, deploy_definition, install_code};
use crate::served::Served;

/// Fabric's default for peers that offer batches.
const BATCH: u32 = 1_000;

/// The way of running a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// In the peer's process.
    Here,
    /// In a server that the peer connects to.
    Dialed,
    /// In a program that connects to the peer.
    Registered,
}

/// The names of the peers, their ways of running chaincodes, and whether they offer batches.
pub(super) const WAYS: [(&str, Way, bool); 5] = [
    ("in the peer", Way::Here, false),
    ("dialed", Way::Dialed, false),
    ("dialed, with batches", Way::Dialed, true),
    ("registered", Way::Registered, false),
    ("registered, with batches", Way::Registered, true),
];

/// One peer. The servers of its chaincodes are dropped first.
pub(super) struct Door {
    pub(super) name: &'static str,
    pub(super) peer: Arc<Peer>,
    bridged: Vec<Bridged>,
    served: Option<Served>,
}

impl Door {
    pub(super) fn open(
        network: &Peers,
        (name, way, batches): (&'static str, Way, bool),
        adjust: fn(&mut PeerConfig),
    ) -> Self {
        let peer = network.peer(|config| {
            config.runtime = Some(runtime());
            config.support.external.trust_local = true;
            let batch = batches.then_some(BATCH);
            config.support.external.batch = BatchLimits { write_batch: batch, get_multiple: batch };
            adjust(config);
        });
        let served = (way == Way::Registered).then(|| Served::start(Arc::clone(&peer)));
        Self { name, peer, bridged: Vec::new(), served }
    }

    pub(super) fn deploy(&mut self, way: Way, deployment: Deployment<'_>) {
        let Deployment { chaincodes, channels, collections, indexes, .. } = deployment;
        for channel in channels {
            create_channel(&self.peer, channel);
        }
        let file = |(name, text): &(&str, &str)| {
            (format!("META-INF/statedb/couchdb/{name}"), text.as_bytes().to_vec())
        };
        for (name, guest) in chaincodes {
            self.install(way, name, &crate::guest(guest), indexes.iter().map(file).collect());
            for channel in channels {
                let collections = collections.map(package_from_json).transpose();
                deploy_definition(
                    &self.peer,
                    lscc::Definition {
                        channel_id: (*channel).to_owned(),
                        name: (*name).to_owned(),
                        version: "1.0".to_owned(),
                        collections: collections.expect("it is a list of collections"),
                        ..lscc::Definition::default()
                    },
                );
            }
        }
    }

    pub(super) fn install(&mut self, way: Way, name: &str, component: &[u8], meta_inf: Files) {
        let program = || program(&format!("{name}:1.0"), component, ProgramConfig::default());
        let install = |peer: &Peer, code: Vec<u8>| {
            let code = ProgramBundle::pack(code, meta_inf).expect("there is memory");
            install_code(peer, name, "1.0", &code);
        };
        match way {
            Way::Here => install(&self.peer, component.to_vec()),
            Way::Dialed => {
                let server = Bridged::serve(program(), None);
                install(&self.peer, server.connection());
                self.bridged.push(server);
            }
            Way::Registered => {
                install(&self.peer, br#"{"external": true}"#.to_vec());
                let served = self.served.as_ref().expect("it was started for this");
                let peer = PeerAddress { address: served.address().to_string(), tls: None };
                let connected = Bridged::register(program(), &peer);
                self.bridged.push(connected.expect("the peer listens"));
            }
        }
    }
}
