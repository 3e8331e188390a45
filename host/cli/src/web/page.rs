//! The read-only page of `wasmcc peer`.

use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};

use crate::dev::{Events, Follower, Outputs, Reporter};
use crate::web::{Door, Feed, MakeLaboratory, Site, Turns};
use wasmcc_node::{Observer, Peer};

/// A page whose peer is not open yet.
pub(crate) struct Page {
    door: Door,
    feed: Arc<Feed>,
    events: Events,
}

impl Page {
    /// Starts to record the peer's events, from its start on.
    pub(crate) fn new(door: Door) -> Result<Self> {
        let (events, to_report) = Events::start();
        let feed = Arc::new(Feed::default());
        let outputs = Outputs { feed: Some(Arc::clone(&feed)), ..Outputs::default() };
        let reporter = Reporter::new(events.clone(), outputs);
        let reporter = move || reporter.run(&to_report);
        let thread = std::thread::Builder::new().name("wasmcc-reporter".into()).spawn(reporter);
        thread.context("cannot start a thread")?;
        Ok(Self { door, feed, events })
    }

    /// Returns the observer of every proposal.
    pub(crate) fn observer(&self) -> Arc<dyn Observer> {
        Arc::new(self.events.clone())
    }

    /// Serves as long as tokio runs.
    pub(crate) fn serve(self, peer: &Arc<Peer>, laboratory: MakeLaboratory) {
        tracing::info!("page on {}", self.door.url());
        if let Some(warning) = self.door.warning() {
            tracing::warn!("{warning}");
        }
        tokio::spawn(Follower::begin(Arc::clone(peer), self.events).run());
        self.door.serve(Site {
            peer: Arc::clone(peer),
            feed: self.feed,
            calls: None,
            laboratory,
            turns: Turns::default(),
            descriptions: Mutex::default(),
        });
    }
}
