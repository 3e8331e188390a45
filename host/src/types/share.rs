//! Shares: how much of a bounded resource one client, one chaincode or one channel may use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::types::sha256;

/// Identifies who uses a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Share {
    /// The channel's name; empty for a proposal to the peer itself.
    pub channel: Arc<str>,
    /// The chaincode that the client calls.
    pub chaincode: Arc<str>,
    /// The hash of the client's serialized identity.
    pub client: [u8; 32],
}

impl Share {
    /// The share for a client's call. `creator` is the serialized identity.
    pub fn new(channel: &str, chaincode: &str, creator: &[u8]) -> Self {
        Self { channel: channel.into(), chaincode: chaincode.into(), client: sha256(creator) }
    }
}

/// A bounded number of places, given out in shares.
///
/// Invariant: one client and one chaincode have at most half of the places, one channel at most
/// three quarters. So none of them can keep all others out.
#[derive(Debug)]
pub struct Shares {
    what: &'static str,
    limit: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    channels: HashMap<Arc<str>, usize>,
    /// By channel and name.
    chaincodes: HashMap<(Arc<str>, Arc<str>), usize>,
    clients: HashMap<[u8; 32], usize>,
}

/// One place; dropping it returns the place.
#[derive(Debug)]
pub struct Place {
    of: Arc<Shares>,
    share: Share,
}

/// Why no place is free.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the peer is busy: {whose} has {taken} {what}, and may have {limit} of them; try again later"
)]
pub struct ShareFull {
    whose: String,
    what: &'static str,
    taken: usize,
    limit: usize,
}

impl Shares {
    /// Manages `limit` places. `what` names them in refusals, such as "calls in progress".
    pub fn new(what: &'static str, limit: usize) -> Arc<Self> {
        Arc::new(Self { what, limit, taken: Mutex::default() })
    }

    /// Takes a place.
    ///
    /// # Errors
    /// The peer, the client, the chaincode or the channel has no place left.
    pub fn enter(self: &Arc<Self>, share: &Share) -> Result<Place, ShareFull> {
        let mut taken = self.lock();
        let chaincode = (Arc::clone(&share.channel), Arc::clone(&share.chaincode));
        let half = self.limit.div_ceil(2);
        let of = |map: Option<&usize>| map.copied().unwrap_or(0);
        let Share { channel, chaincode: name, client } = share;
        for (whose, taken, limit) in [
            ("the client", of(taken.clients.get(client)), half),
            (&*format!("chaincode {name}"), of(taken.chaincodes.get(&chaincode)), half),
            (
                &*format!("channel {channel}"),
                of(taken.channels.get(channel)),
                self.limit - self.limit / 4,
            ),
            ("it", taken.all, self.limit),
        ] {
            if taken >= limit {
                let whose = whose.to_owned();
                return Err(ShareFull { whose, what: self.what, taken, limit });
            }
        }
        taken.all += 1;
        *taken.clients.entry(*client).or_default() += 1;
        *taken.channels.entry(Arc::clone(channel)).or_default() += 1;
        *taken.chaincodes.entry(chaincode).or_default() += 1;
        drop(taken);
        Ok(Place { of: Arc::clone(self), share: share.clone() })
    }

    /// Number of places in use.
    pub fn taken(&self) -> usize {
        self.lock().all
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Share { channel, chaincode, client } = &self.share;
        let mut taken = self.of.lock();
        taken.all = taken.all.saturating_sub(1);
        give_back(&mut taken.clients, client);
        give_back(&mut taken.channels, channel);
        give_back(&mut taken.chaincodes, &(Arc::clone(channel), Arc::clone(chaincode)));
    }
}

fn give_back<K: std::hash::Hash + Eq>(taken: &mut HashMap<K, usize>, of: &K) {
    if let Some(count) = taken.get_mut(of) {
        *count -= 1;
        if *count == 0 {
            taken.remove(of);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_all_and_the_refusal_says_who_has_too_much() {
        let shares = Shares::new("calls in progress", 8);
        let of = |chaincode: &str, client: &str| Share::new("ch", chaincode, client.as_bytes());
        let enter = |share: &Share| shares.enter(share);
        let first: Vec<_> = (0..4).map(|_| enter(&of("a", "one")).unwrap()).collect();
        let refused = |share| enter(&share).unwrap_err().to_string();
        let text = "the peer is busy: the client has 4 calls in progress, and may have 4 of them; \
                    try again later";
        assert_eq!(refused(of("b", "one")), text);
        assert!(refused(of("a", "two")).contains("chaincode a has 4 "));
        let second: Vec<_> = (0..2).map(|_| enter(&of("b", "two")).unwrap()).collect();
        assert!(refused(of("b", "two")).contains("channel ch has 6 "));
        let elsewhere = |client: &str| Share::new("other", "a", client.as_bytes());
        let third: Vec<_> = (0..2).map(|_| enter(&elsewhere("two")).unwrap()).collect();
        assert!(refused(elsewhere("three")).contains("it has 8 "));
        drop(first);
        assert_eq!(shares.taken(), 4);
        enter(&of("a", "one")).unwrap();
        drop((second, third));
        let taken = shares.lock();
        assert!(taken.clients.is_empty() && taken.channels.is_empty());
        assert!(taken.chaincodes.is_empty() && taken.all == 0);
    }

    #[test]
    fn one_place_can_be_taken() {
        let shares = Shares::new("places", 1);
        let place = shares.enter(&Share::default()).unwrap();
        assert!(shares.enter(&Share::default()).is_err());
        drop(place);
        assert!(shares.enter(&Share::default()).is_ok());
    }
}
