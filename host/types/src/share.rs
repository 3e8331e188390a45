//! Shares: limits on the use of a resource by one client, one organization, one chaincode or one
//! channel.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prost::Message;

use crate::sha256;

/// Identifies the user of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Share {
    /// The channel's name; empty for a proposal to the peer itself.
    pub channel: Arc<str>,
    /// The chaincode that the client calls.
    pub chaincode: Arc<str>,
    /// The client's organization, as named in its identity; empty if it names none.
    pub organization: Arc<str>,
    /// The hash of the client's serialized identity.
    pub client: [u8; 32],
}

/// `msp.SerializedIdentity` without the certificate.
#[derive(Clone, PartialEq, Message)]
struct Member {
    #[prost(string, tag = "1")]
    msp_id: String,
}

impl Share {
    /// Returns the share of a client's call. `creator` is the serialized identity.
    pub fn new(channel: &str, chaincode: &str, creator: &[u8]) -> Self {
        let Member { msp_id } = Member::decode(creator).unwrap_or_default();
        Self {
            channel: channel.into(),
            chaincode: chaincode.into(),
            organization: msp_id.into(),
            client: sha256(creator),
        }
    }
}

/// A limited number of places in a resource, such as calls or bytes, used in shares.
///
/// Invariant: one client and one chaincode use at most half of the places, one organization at most
/// five eighths, one channel at most three quarters. So none of them can exclude all others.
#[derive(Debug)]
pub struct Shares {
    what: &'static str,
    limit: usize,
    taken: Mutex<TakenPlaces>,
}

#[derive(Debug, Default)]
struct TakenPlaces {
    all: usize,
    channels: HashMap<Arc<str>, usize>,
    /// By channel and name.
    chaincodes: HashMap<(Arc<str>, Arc<str>), usize>,
    organizations: HashMap<Arc<str>, usize>,
    clients: HashMap<[u8; 32], usize>,
}

/// One or more places in use; dropping this releases them.
#[derive(Debug)]
pub struct Place {
    of: Arc<Shares>,
    share: Share,
    count: usize,
}

/// The reason why no place is free.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the peer is busy: {whose} has {taken} {what}, and may have {limit} of them{wanted}; try again \
     later"
)]
pub struct ShareFull {
    whose: String,
    what: &'static str,
    taken: usize,
    limit: usize,
    /// Text with the number of places that were requested; empty for one.
    wanted: String,
}

/// The owner (peer, client, organization, chaincode or channel) whose share is full.
#[derive(Clone, Copy)]
enum Whose {
    Client,
    Organization,
    Chaincode,
    Channel,
    Peer,
}

impl Shares {
    /// Creates `limit` places. `what` names them in refusals, such as "calls in progress".
    pub fn new(what: &'static str, limit: usize) -> Arc<Self> {
        Arc::new(Self { what, limit, taken: Mutex::default() })
    }

    /// Takes a place.
    ///
    /// # Errors
    /// The share of the client, the organization, the chaincode or the channel is full, or all
    /// places are in use.
    pub fn enter(self: &Arc<Self>, share: &Share) -> Result<Place, ShareFull> {
        self.take(share, 1)
    }

    /// Takes several places at once.
    ///
    /// # Errors
    /// One of these shares would be exceeded. No place is taken.
    pub fn take(self: &Arc<Self>, share: &Share, count: usize) -> Result<Place, ShareFull> {
        self.add(share, count)?;
        Ok(Place { of: Arc::clone(self), share: share.clone(), count })
    }

    fn add(&self, share: &Share, count: usize) -> Result<(), ShareFull> {
        let mut taken = self.lock();
        let chaincode = (Arc::clone(&share.channel), Arc::clone(&share.chaincode));
        let half = self.limit.div_ceil(2);
        let of = |map: Option<&usize>| map.copied().unwrap_or(0);
        let Share { channel, chaincode: name, organization, client } = share;
        let of_channel = self.limit - self.limit / 4;
        let of_organization = match &**organization {
            "" => usize::MAX,
            _ => self.limit - self.limit / 8 * 3,
        };
        let places = [
            (Whose::Client, of(taken.clients.get(client)), half),
            (Whose::Organization, of(taken.organizations.get(organization)), of_organization),
            (Whose::Chaincode, of(taken.chaincodes.get(&chaincode)), half),
            (Whose::Channel, of(taken.channels.get(channel)), of_channel),
            (Whose::Peer, taken.all, self.limit),
        ];
        for (whose, taken, limit) in places {
            if taken.saturating_add(count) > limit {
                let whose = match whose {
                    Whose::Client => "the client".to_owned(),
                    Whose::Organization => format!("organization {organization}"),
                    Whose::Chaincode => format!("chaincode {name}"),
                    Whose::Channel => format!("channel {channel}"),
                    Whose::Peer => "it".to_owned(),
                };
                let what = self.what;
                let wanted =
                    if count == 1 { String::new() } else { format!(", {count} more wanted") };
                return Err(ShareFull { whose, what, taken, limit, wanted });
            }
        }
        taken.all += count;
        *taken.clients.entry(*client).or_default() += count;
        *taken.organizations.entry(Arc::clone(organization)).or_default() += count;
        *taken.channels.entry(Arc::clone(channel)).or_default() += count;
        *taken.chaincodes.entry(chaincode).or_default() += count;
        Ok(())
    }

    /// Returns the total number of places.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Returns the number of places in use.
    pub fn taken(&self) -> usize {
        self.lock().all
    }

    fn lock(&self) -> MutexGuard<'_, TakenPlaces> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Takes this many more places.
    ///
    /// # Errors
    /// As for [`Shares::take`]; the places taken before are kept.
    pub fn grow(&mut self, more: usize) -> Result<(), ShareFull> {
        self.of.add(&self.share, more)?;
        self.count += more;
        Ok(())
    }

    /// Returns the number of places.
    pub fn count(&self) -> usize {
        self.count
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Share { channel, chaincode, organization, client } = &self.share;
        let mut taken = self.of.lock();
        taken.all = taken.all.saturating_sub(self.count);
        give_back(&mut taken.clients, client, self.count);
        give_back(&mut taken.organizations, organization, self.count);
        give_back(&mut taken.channels, channel, self.count);
        let chaincode = (Arc::clone(channel), Arc::clone(chaincode));
        give_back(&mut taken.chaincodes, &chaincode, self.count);
    }
}

fn give_back<K: std::hash::Hash + Eq>(taken: &mut HashMap<K, usize>, of: &K, places: usize) {
    if let Some(count) = taken.get_mut(of) {
        *count = count.saturating_sub(places);
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

    #[test]
    fn several_places_are_taken_as_a_whole_or_not_at_all() {
        let shares = Shares::new("bytes", 100);
        let share = Share::new("ch", "a", b"one");
        let mut place = shares.take(&share, 20).unwrap();
        place.grow(30).unwrap();
        let refused = place.grow(2).unwrap_err().to_string();
        let text = "the peer is busy: the client has 50 bytes, and may have 50 of them, 2 more \
                    wanted; try again later";
        assert_eq!(refused, text);
        assert_eq!((place.count(), shares.taken()), (50, 50));
        assert!(shares.take(&Share::new("ch", "b", b"two"), usize::MAX).is_err());
        drop(place);
        let taken = shares.lock();
        assert!(taken.clients.is_empty() && taken.chaincodes.is_empty() && taken.all == 0);
    }

    #[test]
    fn an_organization_leaves_places_to_others_however_many_clients_it_has() {
        let shares = Shares::new("calls in progress", 16);
        let of = |org: &str, n: u8| {
            let creator = [&[0x0a, org.len() as u8][..], org.as_bytes(), &[0x12, 1, n]].concat();
            Share::new("ch", &format!("cc{n}"), &creator)
        };
        let mut all: Vec<_> = (0..10).map(|n| shares.enter(&of("Org1MSP", n)).unwrap()).collect();
        let refused = shares.enter(&of("Org1MSP", 10)).unwrap_err().to_string();
        assert!(refused.contains("organization Org1MSP has 10 calls in progress"), "{refused}");
        let _other = shares.enter(&of("Org2MSP", 1)).unwrap();
        all.pop();
        shares.enter(&of("Org1MSP", 10)).unwrap();
    }
}
