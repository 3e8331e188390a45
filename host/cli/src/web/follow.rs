//! Tells of the blocks of all channels of a peer, also of those that it joins later.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::dev::{Event, Events, Reasons};
use wasmcc_node::Peer;

/// Between two looks at the list of channels.
const LOOK: Duration = Duration::from_secs(1);

/// Runs for ever.
pub(crate) async fn follow(peer: Arc<Peer>, events: Events) {
    let mut followed = BTreeMap::new();
    loop {
        for id in peer.channels().ids() {
            if followed.contains_key(&id) {
                continue;
            }
            let Some(committer) = peer.committer(&id) else { continue };
            let (notifier, events) = (Arc::clone(committer.notifier()), events.clone());
            let known = Arc::clone(&notifier);
            let reasons: Reasons = Arc::new(move |tx_id| known.reason(tx_id));
            let name: Arc<str> = id.as_str().into();
            let subscription = notifier.subscribe(move |block| {
                let (name, block, reasons) = (Arc::clone(&name), Arc::clone(block), &reasons);
                events.tell(Event::Committed(name, block, Arc::clone(reasons)));
            });
            followed.insert(id, subscription);
        }
        tokio::time::sleep(LOOK).await;
    }
}
