//! Health checks and gauges of the peer.

use std::sync::Arc;

use crate::operations::{Disk, FailedCheck, Subject};
use wasmcc_node as node;
use wasmcc_workers::Workers;

/// The condition of a peer.
pub(crate) struct PeerCondition {
    pub(crate) peer: Arc<node::Peer>,
    pub(crate) workers: Arc<Workers>,
    /// Most proposals that may wait for a worker.
    pub(crate) queue: usize,
    /// None if the peer keeps no data.
    pub(crate) disk: Option<Disk>,
}

impl Subject for PeerCondition {
    fn failed_checks(&self) -> Vec<FailedCheck> {
        let interrupted = self.peer.interruptions().into_iter().map(|interrupted| {
            let component = format!("channel {}", interrupted.channel);
            FailedCheck { component, reason: format!("it commits nothing: {}", interrupted.reason) }
        });
        let disk = self.disk.as_ref().and_then(Disk::check);
        let disk = disk.map(|reason| FailedCheck { component: "ledger".into(), reason });
        interrupted.chain(disk).collect()
    }

    fn measure(&self) {
        let process = &wasmcc_metrics::get().process;
        let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        process.jobs.set(number(self.workers.jobs()));
        process.queue_limit.set(number(self.queue));
        self.peer.measure();
        if let Some(disk) = &self.disk {
            disk.measure();
        }
    }
}
