//! The state that all addresses of a server share, and the services of each address.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::answers::Answers;
use crate::arriving::Arrivals;
use crate::atomic_broadcast::AtomicBroadcast;
use crate::budget::{Budget, Jobs};
use crate::chaincode_support::ChaincodeSupport;
use crate::connection_table::{ConnectionTable, Patience};
use crate::deliver::{Bounds, Deliverer};
use crate::deliver_config::DeliverConfig;
use crate::discovery::{Addresses, Discovery};
use crate::door::Door;
use crate::endorser::Endorser;
use crate::entrance::Entrance;
use crate::gateway::Gateway;
use crate::outgoing::Outgoing;
use crate::participation::Participation;
use crate::peer::Peer;
use crate::peer_deliver::PeerDeliver;
use crate::routes::{OfPeer, Routes};
use crate::server::ServerConfig;
use crate::shutdown::Stopping;
use crate::snapshot::Snapshot;
use crate::waits::Waits;
use wasmcc_workers::Workers;

/// The shared state of all addresses of a server.
pub(super) struct Services {
    peer: Arc<dyn Peer>,
    jobs: Jobs,
    waits: Waits,
    entrance: Entrance,
    arrivals: Arrivals,
    pub(super) outgoing: Outgoing,
    /// For answers of unauthenticated clients, and for errors.
    unsigned: Outgoing,
    stopping: Stopping,
    pub(super) table: Arc<ConnectionTable>,
    pub(super) patience: Patience,
    pub(super) calls_per_connection: u32,
    message_bytes: usize,
    advertised: BTreeMap<String, String>,
    deliver: DeliverConfig,
}

impl Services {
    pub(super) fn new(
        peer: Arc<dyn Peer>,
        workers: Arc<Workers>,
        config: ServerConfig,
        stopping: Stopping,
    ) -> Self {
        let ServerConfig { message_bytes, request_bytes, connections, patience, .. } = config;
        Self {
            peer,
            jobs: Jobs::new(workers, Budget::new(request_bytes), config.deep_stacks),
            waits: Waits::new(config.waiting_calls, connections, stopping.clone()),
            entrance: Entrance::new(patience.entrance),
            arrivals: Arrivals::new(message_bytes, request_bytes),
            outgoing: Outgoing::new(message_bytes, request_bytes),
            unsigned: Outgoing::new(message_bytes, request_bytes / 4),
            stopping,
            table: ConnectionTable::new(connections, patience.clone()),
            patience,
            calls_per_connection: config.calls_per_connection,
            message_bytes,
            advertised: config.advertised,
            deliver: config.deliver,
        }
    }

    /// Returns the services of an organization's peer at `address`. Without an MSP id, of the first
    /// organization.
    pub(super) async fn of_peer(&self, msp_id: Option<String>, address: SocketAddr) -> Routes {
        let org = msp_id.or_else(|| self.peer.msp_ids().into_iter().next());
        let org: Arc<str> = org.unwrap_or_default().into();
        let (peer, jobs, bytes) = (&self.peer, &self.jobs, self.message_bytes);
        let stopped = self.stopping.clone();
        let door = Door::new(Arc::clone(&org), address.to_string(), self.advertised.clone());
        let services = OfPeer {
            endorser: Endorser::new(Arc::clone(peer), jobs.clone(), Arc::clone(&org), bytes),
            gateway: Gateway::new(
                Arc::clone(peer),
                jobs.clone(),
                (self.waits.clone(), self.bounds()),
                door,
            ),
            chaincode_support: ChaincodeSupport::new(
                Arc::clone(peer),
                stopped,
                self.entrance.clone(),
            ),
            deliver: PeerDeliver(self.deliverer(Some(Arc::clone(&org)))),
            discovery: Discovery::new(
                Arc::clone(peer),
                (self.waits.clone(), jobs.budget.clone()),
                Arc::clone(&org),
                Addresses { advertised: self.advertised.clone(), other: address.to_string() },
            ),
            snapshot: Snapshot::new(
                Arc::clone(peer),
                (self.waits.clone(), jobs.budget.clone()),
                Arc::clone(&org),
            ),
        };
        self.routes(Some(services)).await
    }

    /// Returns the services of the orderer.
    pub(super) async fn of_orderer(&self) -> Routes {
        self.routes(None).await
    }

    /// Returns the orderer's administration.
    pub(super) fn participation(&self) -> Participation {
        Participation::new(Arc::clone(&self.peer), self.waits.clone())
    }

    fn deliverer(&self, org: Option<Arc<str>>) -> Deliverer {
        Deliverer::new(
            Arc::clone(&self.peer),
            org,
            (self.waits.clone(), self.entrance.clone()),
            self.bounds(),
            self.deliver.clone(),
        )
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            budget: self.jobs.budget.clone(),
            outgoing: self.outgoing.clone(),
            message_bytes: self.message_bytes,
        }
    }

    /// Returns the services of an address; each address has the orderer's.
    async fn routes(&self, of_peer: Option<OfPeer>) -> Routes {
        let entering = (self.waits.clone(), self.entrance.clone());
        let budget = self.jobs.budget.clone();
        let deliverer = self.deliverer(None);
        let orderer = AtomicBroadcast::new(Arc::clone(&self.peer), entering, budget, deliverer);
        let (signed, unsigned) = (self.outgoing.clone(), self.unsigned.clone());
        let answers = Answers::new(signed, unsigned, self.patience.answer);
        let bytes = (self.arrivals.clone(), answers);
        let times = (self.patience.request, self.stopping.clone());
        Routes::new(of_peer, orderer, self.message_bytes, bytes, times).await
    }
}
