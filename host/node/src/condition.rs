//! The condition of a peer, for operators.
//!
//! Invariant: these methods change only metrics, and do not wait.

use crate::{Peer, lock};
use wasmcc_metrics::ConsensusRelation;
use wasmcc_msp::is_cluster;

/// A channel that cannot commit now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interruption {
    /// The channel.
    pub channel: String,
    /// The reason.
    pub reason: String,
}

impl Peer {
    /// Returns the channels that cannot commit now, each with the reason.
    pub fn interruptions(&self) -> Vec<Interruption> {
        let committers = lock(&self.committers);
        let interrupted = committers.iter().filter_map(|(channel, committer)| {
            let reason = committer.interruption()?;
            Some(Interruption { channel: channel.clone(), reason })
        });
        interrupted.collect()
    }

    /// Updates the metrics of resources in use.
    pub fn measure(&self) {
        let process = &wasmcc_metrics::get().process;
        let (support, runtime) = (&self.support, self.support.runtime());
        let memory = runtime.shared_memory();
        let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        process.calls.set(number(support.calls().taken()));
        process.calls_limit.set(number(support.calls().limit()));
        process.instances.set(number(support.instances().taken()));
        process.instances_limit.set(number(support.instances().limit()));
        process.guest_memory_bytes.set(number(memory.used));
        process.guest_memory_limit_bytes.set(number(memory.limit));
        process.components.set(number(runtime.components()));
        let ordered = self.channels.ordered();
        let ordered = ordered.iter().filter_map(|name| {
            let channel = self.channels.get(name)?;
            let relation = match is_cluster(channel.config().config()) {
                true => ConsensusRelation::Consenter,
                false => ConsensusRelation::Other,
            };
            Some((name.as_str(), relation))
        });
        wasmcc_metrics::get().channels.participation.set(ordered);
    }
}
