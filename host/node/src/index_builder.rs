//! Builds the indexes that a block declares. Small ones are built before the block is announced, so
//! that a deploying client finds them; large ones on a thread, in parallel with commits.

use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use wasmcc_ledger::{Ledger, LedgerError};

/// Limit on the batches of 1,000 documents that are indexed before a block is announced.
const AT_ONCE: usize = 10;
/// Pause between two batches of the thread. The ledger's lock is not fair: without a pause, a
/// waiting commit would often lose it to the next batch.
const PAUSE: Duration = Duration::from_millis(1);

/// The thread that builds indexes, once one was needed. Dropping this ends it after its batch; the
/// rest is built when the peer is opened.
#[derive(Default)]
pub(crate) struct IndexBuilder {
    running: Mutex<Option<Running>>,
    ends: Arc<AtomicBool>,
}

struct Running {
    jobs: Sender<Arc<Ledger>>,
    thread: JoinHandle<()>,
}

impl IndexBuilder {
    /// Builds the indexes that the channel has declared.
    pub(crate) fn build(&self, ledger: &Arc<Ledger>) {
        self.build_partly(ledger, AT_ONCE);
    }

    /// Builds at most `batches` batches before it returns.
    fn build_partly(&self, ledger: &Arc<Ledger>, batches: usize) {
        let left = Cell::new(batches);
        let may_go_on = || left.replace(left.get().saturating_sub(1)) > 0;
        match ledger.build_indexes(may_go_on) {
            Ok(true) => {}
            Ok(false) => self.build_beside(ledger),
            Err(error) => not_built(ledger, &error),
        }
    }

    fn build_beside(&self, ledger: &Arc<Ledger>) {
        let channel = ledger.channel_id();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.is_none() {
            match start(&self.ends) {
                Ok(started) => *running = Some(started),
                Err(error) => {
                    tracing::warn!(%channel, %error, "no thread to build indexes, commits wait");
                }
            }
        }
        let sent = running.as_ref().is_some_and(|it| it.jobs.send(Arc::clone(ledger)).is_ok());
        match sent {
            true => tracing::info!(%channel, "builds an index beside commits"),
            false => ledger.finish_indexes().unwrap_or_else(|error| not_built(ledger, &error)),
        }
    }
}

impl Drop for IndexBuilder {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        let running = self.running.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Running { jobs, thread }) = running else { return };
        drop(jobs);
        // After the join, the thread does not use the ledgers any more.
        if thread.join().is_err() {
            tracing::error!("the thread that builds indexes panicked");
        }
    }
}

fn start(ends: &Arc<AtomicBool>) -> io::Result<Running> {
    let (jobs, waiting) = channel();
    let ends = Arc::clone(ends);
    let thread = thread::Builder::new().name("wasmcc-indexes".into());
    let thread = thread.spawn(move || run(waiting, &ends))?;
    Ok(Running { jobs, thread })
}

fn run(waiting: Receiver<Arc<Ledger>>, ends: &AtomicBool) {
    let may_go_on = || {
        thread::sleep(PAUSE);
        !ends.load(Ordering::Relaxed)
    };
    for ledger in waiting {
        if let Err(error) = ledger.build_indexes(may_go_on) {
            not_built(&ledger, &error);
        }
    }
}

fn not_built(ledger: &Ledger, error: &LedgerError) {
    let channel = ledger.channel_id();
    tracing::error!(
        %channel, %error,
        "indexes are not built yet: the next deployment or start of the peer will build them"
    );
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use wasmcc_ledger::{
        CommitTx, IndexDefinition, LedgerConfig, Ledgers, NoCollections, new_block,
    };
    use wasmcc_msp::{Network, NetworkSpec};
    use wasmcc_types::ChannelId;
    use wasmcc_types::proto::protos::TxValidationCode;

    /// Makes a channel with `documents` documents of the chaincode "cc".
    fn channel(documents: usize) -> (Ledgers, Arc<Ledger>) {
        let network = Network::in_memory(&NetworkSpec::with_orgs(1)).unwrap();
        let genesis = network.genesis(ChannelId::parse("mychannel").unwrap()).block().unwrap();
        let ledgers = Ledgers::temporary(LedgerConfig::default()).unwrap();
        let ledger = ledgers.create(&genesis).unwrap();
        let mut simulator = ledger.simulator("tx");
        for number in 0..documents {
            let (key, value) = (format!("k{number:05}"), format!(r#"{{"a":{number}}}"#));
            simulator.put_state("cc", &key, value.into_bytes()).unwrap();
        }
        let rwset = Some(simulator.finish().public);
        let tip = ledger.info();
        let block = new_block(tip.height, tip.current_block_hash, vec![b"tx".to_vec()]);
        let code = TxValidationCode::Valid;
        let commit = CommitTx { tx_id: Some("tx".into()), code, rwset };
        ledger.commit(block, vec![commit], &NoCollections).unwrap();
        let definition = br#"{"index": {"fields": ["a"]}, "ddoc": "d", "name": "a"}"#;
        let definitions = [IndexDefinition::parse(definition).unwrap()];
        assert_eq!(ledger.declare_indexes("cc", "", &definitions).unwrap(), 1);
        (ledgers, ledger)
    }

    fn is_built(ledger: &Ledger) -> bool {
        ledger.indexes_of("cc")[0].is_built
    }

    #[test]
    fn a_small_index_is_built_at_once_and_the_rest_of_a_large_one_beside_commits() {
        let builder = IndexBuilder::default();
        let (_ledgers, ledger) = channel(1_000);
        builder.build_partly(&ledger, 1);
        assert!(is_built(&ledger) && builder.running.lock().unwrap().is_none());
        let (_ledgers, ledger) = channel(2_500);
        builder.build_partly(&ledger, 1);
        let end = Instant::now() + Duration::from_secs(30);
        while !is_built(&ledger) {
            assert!(Instant::now() < end);
            thread::yield_now();
        }
        drop(builder);
        assert_eq!(Arc::strong_count(&ledger), 2, "the folder is free");
    }

    #[test]
    fn what_is_not_built_at_the_end_is_left() {
        let (_ledgers, ledger) = channel(2_500);
        let builder = IndexBuilder::default();
        builder.ends.store(true, Ordering::Relaxed);
        builder.build_partly(&ledger, 0);
        drop(builder);
        assert!(!is_built(&ledger));
        ledger.finish_indexes().unwrap();
        assert!(is_built(&ledger));
    }
}
