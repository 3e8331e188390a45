//! Reports the blocks of all channels of a peer, including channels that it joins later.
//!
//! An interrupted channel, for example after a full disk, drops its listeners. The follower
//! subscribes again and reads the blocks in between from the ledger.
//!
//! Invariant: the receiver gets each block once, in order.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::dev::events::{Event, Events, Reasons};
use wasmcc_ledger::CommittedBlock;
use wasmcc_node::Peer;

/// Interval of checks for new and resumed channels. A failed subscription costs next to nothing.
const LOOK: Duration = Duration::from_secs(1);

/// Called for each block, on the thread that commits.
type Listener = Box<dyn Fn(&Arc<CommittedBlock>) + Send + Sync>;

/// The source of blocks.
pub(crate) trait Source: Send + Sync + 'static {
    /// Returns the present channels.
    fn channels(&self) -> Vec<String>;
    /// Returns the number of the next block of a channel.
    fn height(&self, channel: &str) -> u64;
    /// Returns a committed block.
    fn block(&self, channel: &str, number: u64) -> Result<CommittedBlock>;
    /// Returns why the channel is interrupted, if it is.
    fn interruption(&self, channel: &str) -> Option<String>;
    /// Returns a function for the reasons why transactions of a channel are not valid.
    fn reasons(&self, channel: &str) -> Reasons;
    /// Registers a listener until the returned value is dropped. An interruption of the channel
    /// drops the listener, too. None if the channel is unknown.
    fn subscribe(&self, channel: &str, listener: Listener) -> Option<Box<dyn Any + Send>>;
}

/// Follows the channels of a peer until it is dropped.
pub(crate) struct Follower<S> {
    source: Arc<S>,
    events: Events,
    channels: BTreeMap<String, Followed>,
}

/// A followed channel.
struct Followed {
    progress: Arc<Mutex<Progress>>,
    /// Dead once the channel has dropped its listeners.
    listening: Weak<Listening>,
    /// Ends the subscription on drop.
    subscription: Option<Box<dyn Any + Send>>,
    /// An interruption was reported, but not yet its end.
    is_interrupted: bool,
}

/// The next block of a channel to report.
struct Progress {
    next: u64,
    /// The listener reports blocks. Until then blocks are read from the ledger.
    is_live: bool,
}

/// Reports the blocks of a channel.
struct Listening {
    channel: Arc<str>,
    events: Events,
    reasons: Reasons,
    progress: Arc<Mutex<Progress>>,
}

impl Listening {
    fn heard(&self, block: &Arc<CommittedBlock>) {
        let mut progress = lock(&self.progress);
        if progress.is_live && block.number >= progress.next {
            progress.next = block.number + 1;
            self.tell(Arc::clone(block));
        }
    }

    fn tell(&self, block: Arc<CommittedBlock>) {
        let (channel, reasons) = (Arc::clone(&self.channel), Arc::clone(&self.reasons));
        self.events.tell(Event::Committed(channel, block, reasons));
    }
}

impl<S: Source> Follower<S> {
    /// Starts with the next block of each channel.
    pub(crate) fn begin(source: Arc<S>, events: Events) -> Self {
        let mut follower = Self { source, events, channels: BTreeMap::new() };
        follower.look();
        follower
    }

    /// Runs until it is cancelled.
    pub(crate) async fn run(mut self) {
        loop {
            tokio::time::sleep(LOOK).await;
            self.look();
        }
    }

    /// Subscribes to channels that are new or resumed.
    fn look(&mut self) {
        let (source, events) = (Arc::clone(&self.source), self.events.clone());
        for channel in source.channels() {
            if let Some(followed) = self.channels.get_mut(&channel) {
                followed.look(&*source, &events, &channel);
                continue;
            }
            let progress = Progress { next: source.height(&channel), is_live: false };
            let progress = Arc::new(Mutex::new(progress));
            let (listening, subscription) = (Weak::new(), None);
            let mut followed =
                Followed { progress, listening, subscription, is_interrupted: false };
            followed.subscribe(&*source, &events, &channel);
            self.channels.insert(channel, followed);
        }
    }
}

impl Followed {
    fn look(&mut self, source: &impl Source, events: &Events, channel: &str) {
        if self.listening.strong_count() > 0 {
            return;
        }
        let why = source.interruption(channel);
        if self.subscribe(source, events, channel) {
            self.is_interrupted = false;
            events.tell(Event::Said(format!(
                "channel {channel} is resumed after an interruption; all its blocks are shown here"
            )));
        } else if let Some(why) = why
            && !std::mem::replace(&mut self.is_interrupted, true)
        {
            events.tell(Event::Said(format!(
                "channel {channel} is interrupted: {why}. Its blocks are shown when it resumes"
            )));
        }
    }

    /// Subscribes and reports the blocks before. Returns false if the channel accepts no listeners
    /// now.
    fn subscribe(&mut self, source: &impl Source, events: &Events, channel: &str) -> bool {
        lock(&self.progress).is_live = false;
        let listening = Arc::new(Listening {
            channel: channel.into(),
            events: events.clone(),
            reasons: source.reasons(channel),
            progress: Arc::clone(&self.progress),
        });
        let listener = Arc::clone(&listening);
        self.subscription = source.subscribe(channel, Box::new(move |block| listener.heard(block)));
        self.listening = Arc::downgrade(&listening);
        // This function holds one reference; the channel would hold another.
        if Arc::strong_count(&listening) < 2 {
            return false;
        }
        while let Some(number) = self.missed(source, channel) {
            match source.block(channel, number) {
                Ok(block) => listening.tell(Arc::new(block)),
                Err(error) => tracing::warn!(channel, number, "a block is not shown: {error:#}"),
            }
            lock(&self.progress).next = number + 1;
        }
        true
    }

    /// Returns the next block to read from the ledger; None once the listener reports blocks
    /// itself.
    fn missed(&self, source: &impl Source, channel: &str) -> Option<u64> {
        let mut progress = lock(&self.progress);
        // A block is in the ledger before listeners are called.
        progress.is_live = progress.next >= source.height(channel);
        (!progress.is_live).then_some(progress.next)
    }
}

fn lock(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Source for Peer {
    fn channels(&self) -> Vec<String> {
        Peer::channels(self).ids()
    }

    fn height(&self, channel: &str) -> u64 {
        Peer::channels(self).get(channel).map_or(0, |channel| channel.ledger().height())
    }

    fn block(&self, channel: &str, number: u64) -> Result<CommittedBlock> {
        let channel = Peer::channels(self).get(channel).context("the channel is gone")?;
        let block = channel.ledger().block(number)?.context("the ledger does not have it")?;
        Ok(CommittedBlock::of_stored(block))
    }

    fn interruption(&self, channel: &str) -> Option<String> {
        self.committer(channel)?.interruption()
    }

    fn reasons(&self, channel: &str) -> Reasons {
        let committer = self.committer(channel);
        Arc::new(move |tx_id: &str| committer.as_ref()?.notifier().reason(tx_id))
    }

    fn subscribe(&self, channel: &str, listener: Listener) -> Option<Box<dyn Any + Send>> {
        let committer = self.committer(channel)?;
        Some(Box::new(committer.notifier().subscribe(listener)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Receiver;

    use super::*;
    use wasmcc_ledger::new_block;

    /// The channel "c"; tests can interrupt it.
    #[derive(Default)]
    struct Fake {
        height: Mutex<u64>,
        listener: Mutex<Option<Arc<Listener>>>,
        interruption: Mutex<Option<String>>,
    }

    impl Fake {
        fn commit(&self) {
            let number = *self.height.lock().unwrap();
            *self.height.lock().unwrap() += 1;
            let listener = self.listener.lock().unwrap().clone();
            if let Some(listener) = listener {
                listener(&Arc::new(self.block("c", number).unwrap()));
            }
        }

        fn interrupt(&self, why: Option<&str>) {
            *self.interruption.lock().unwrap() = why.map(str::to_owned);
            *self.listener.lock().unwrap() = None;
        }
    }

    impl Source for Fake {
        fn channels(&self) -> Vec<String> {
            vec!["c".into()]
        }

        fn height(&self, _: &str) -> u64 {
            *self.height.lock().unwrap()
        }

        fn block(&self, _: &str, number: u64) -> Result<CommittedBlock> {
            Ok(CommittedBlock::of_stored(new_block(number, Vec::new(), Vec::new())))
        }

        fn interruption(&self, _: &str) -> Option<String> {
            self.interruption.lock().unwrap().clone()
        }

        fn reasons(&self, _: &str) -> Reasons {
            Arc::new(|_| None)
        }

        fn subscribe(&self, channel: &str, listener: Listener) -> Option<Box<dyn Any + Send>> {
            if self.interruption(channel).is_none() {
                *self.listener.lock().unwrap() = Some(Arc::new(listener));
            }
            Some(Box::new(()))
        }
    }

    fn told(events: &Receiver<Event>) -> Vec<String> {
        let told = events.try_iter().map(|event| match event {
            Event::Committed(channel, block, _) => format!("{channel} {}", block.number),
            Event::Said(text) => text,
            _ => "something else".to_owned(),
        });
        told.collect()
    }

    #[test]
    fn blocks_come_again_after_an_interruption_and_none_is_left_out() {
        let (source, (events, reported)) = (Arc::new(Fake::default()), Events::start());
        source.commit();
        let mut follower = Follower::begin(Arc::clone(&source), events);
        source.commit();
        source.commit();
        follower.look();
        assert_eq!(told(&reported), ["c 1", "c 2"]);
        source.interrupt(Some("the disk is full"));
        follower.look();
        follower.look();
        let text =
            "channel c is interrupted: the disk is full. Its blocks are shown when it resumes";
        assert_eq!(told(&reported), [text]);
        source.interrupt(None);
        source.commit();
        source.commit();
        assert!(told(&reported).is_empty());
        follower.look();
        source.commit();
        follower.look();
        let text = "channel c is resumed after an interruption; all its blocks are shown here";
        assert_eq!(told(&reported), ["c 3", "c 4", text, "c 5"]);
        // A block that no listener received.
        source.interrupt(None);
        source.commit();
        follower.look();
        assert_eq!(told(&reported), ["c 6", text]);
    }
}
