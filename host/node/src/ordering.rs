//! The orderers of the channels of a process.
//!
//! Invariant: a channel has one orderer at a time. The next one starts after the last one has
//! ended, since both write to the same log.

use std::io;
use std::sync::Arc;

use crate::{Peer, lock};
#[cfg(feature = "server")]
use wasmcc_api::LeaveRefusal;
use wasmcc_committer::{Solo, SoloConfig};

/// The orderer of one channel.
pub(crate) enum Ordering {
    Runs(Arc<Solo>),
    /// It commits the envelopes that it has accepted; then the channel has no orderer.
    #[cfg(feature = "server")]
    Ends,
}

impl Peer {
    /// Orders envelopes that were accepted before the last end of the process and are in no block.
    pub(crate) fn resume_ordering(&self) {
        for channel in self.ledgers.channels() {
            if self.channels.may_order(channel.as_str()) {
                // Starts the committer, so that a problem of its signers is in the log now and not
                // only after the first envelope.
                drop(self.committer(channel.as_str()));
            }
            let folder = self.ledgers.channel_dir(&channel);
            if !folder.is_some_and(|folder| Solo::has_log(&folder)) {
                continue;
            }
            // Clients that submit get the error, too.
            if let Err(error) = self.orderer(channel.as_str()) {
                tracing::error!(%channel, %error, "cannot order envelopes accepted earlier");
            }
        }
    }

    /// Returns the orderer of a channel. Its threads start with the first call, or when the peer is
    /// opened and the log of accepted envelopes is not empty. None: the peer has not joined the
    /// channel, or the orderer was removed from it or is being removed.
    pub fn orderer(&self, channel: &str) -> io::Result<Option<Arc<Solo>>> {
        let Some(committer) = self.committer(channel) else { return Ok(None) };
        let mut orderers = lock(&self.orderers);
        if !self.channels.may_order(channel) {
            return Ok(None);
        }
        match orderers.get(channel) {
            Some(Ordering::Runs(orderer)) => return Ok(Some(Arc::clone(orderer))),
            #[cfg(feature = "server")]
            Some(Ordering::Ends) => return Ok(None),
            None => {}
        }
        let folder = self.ledgers.channel_dir(committer.channel().ledger().channel_id());
        let orderer = Arc::new(match folder {
            Some(folder) => Solo::start_with_log(committer, SoloConfig::default(), &folder)?,
            None => Solo::start(committer, SoloConfig::default())?,
        });
        orderers.insert(channel.to_owned(), Ordering::Runs(Arc::clone(&orderer)));
        Ok(Some(orderer))
    }
}

#[cfg(feature = "server")]
impl Peer {
    /// Returns true while the orderer of a channel is being removed.
    pub(crate) fn is_leaving(&self, channel: &str) -> bool {
        matches!(lock(&self.orderers).get(channel), Some(Ordering::Ends))
    }

    /// Ends the orderer of a channel and waits until all accepted envelopes are committed. It
    /// accepts none from the start of the call. The removal is recorded last: if the process ends
    /// earlier or this fails, the channel still has an orderer, which commits the rest.
    pub(crate) fn end_orderer(&self, channel: &str) -> Result<(), LeaveRefusal> {
        // An orderer that could not be started earlier may have envelopes in its log, too.
        self.orderer(channel).map_err(|error| LeaveRefusal::Failed(error.to_string()))?;
        let orderer = {
            let mut orderers = lock(&self.orderers);
            match orderers.insert(channel.to_owned(), Ordering::Ends) {
                Some(Ordering::Runs(orderer)) => orderer,
                Some(Ordering::Ends) => return Err(LeaveRefusal::PendingRemoval),
                None => {
                    // A concurrent call has just removed it.
                    orderers.remove(channel);
                    return Err(LeaveRefusal::Unknown);
                }
            }
        };
        orderer.stop();
        let left = match orderer.failure() {
            Some(reason) => Err(reason.to_owned()),
            None => self.channels.leave_as_orderer(channel).map_err(|error| error.to_string()),
        };
        lock(&self.orderers).remove(channel);
        left.map_err(|reason| {
            // Orders now the envelopes that it could not commit, instead of with the next envelope.
            if let Err(error) = self.orderer(channel) {
                tracing::error!(channel, %error, "cannot order envelopes accepted earlier");
            }
            LeaveRefusal::Failed(reason)
        })
    }
}

#[cfg(test)]
#[cfg(feature = "server")]
mod tests {
    use std::sync::{Mutex, mpsc};
    use std::thread;

    use prost::Message;

    use super::*;
    use crate::PeerConfig;
    use wasmcc_api::JoinRefusal;
    use wasmcc_msp::{BatchLimits, Network, NetworkSpec};
    use wasmcc_types::ChannelId;
    use wasmcc_types::proto::common::{
        Block, ChannelHeader, Envelope, Header, Payload, SignatureHeader,
    };

    const CHANNEL: &str = "mychannel";

    /// Returns a peer in a folder, and the first block of a channel whose blocks have one envelope
    /// each.
    fn peer(folder: &tempfile::TempDir) -> (Arc<Peer>, Block) {
        let network = Network::in_memory(&NetworkSpec::with_orgs(1)).unwrap();
        let mut spec = network.genesis(ChannelId::parse(CHANNEL).unwrap());
        spec.batch_limits = BatchLimits { max_message_count: 1, ..BatchLimits::default() };
        let genesis = spec.block().unwrap();
        let mut config = PeerConfig::new(network, "Org1MSP");
        config.data = Some(folder.path().to_owned());
        (Peer::open(config).unwrap(), genesis)
    }

    /// Returns an envelope that an orderer accepts and every peer finds invalid.
    fn envelope(peer: &Peer, nonce: u8) -> Envelope {
        let user = peer.network().org("Org1MSP").unwrap().user("User1").unwrap();
        let channel_header =
            ChannelHeader { channel_id: CHANNEL.to_owned(), ..ChannelHeader::default() };
        let signature_header =
            SignatureHeader { creator: user.serialized().to_vec(), nonce: vec![nonce; 24] };
        let header = Header {
            channel_header: channel_header.encode_to_vec(),
            signature_header: signature_header.encode_to_vec(),
        };
        let payload = Payload { header: Some(header), data: vec![nonce] }.encode_to_vec();
        Envelope { signature: user.sign(&payload), payload }
    }

    fn order(peer: &Peer, nonce: u8) {
        let orderer = peer.orderer(CHANNEL).unwrap().unwrap();
        orderer.order(envelope(peer, nonce)).unwrap();
    }

    #[test]
    fn an_orderer_joins_again_only_when_its_removal_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let (peer, genesis) = peer(&folder);
        peer.order_for(&genesis).unwrap();
        // Each block is held until the test releases it.
        let (begun, has_begun) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let may_go_on = Mutex::new(may_go_on);
        let committer = peer.committer(CHANNEL).unwrap();
        let held = committer.notifier().subscribe(move |block| {
            begun.send(block.number).unwrap();
            // An error releases it, too.
            let _ = may_go_on.lock().unwrap().recv();
        });
        order(&peer, 1);
        assert_eq!(has_begun.recv().unwrap(), 1);
        order(&peer, 2);
        thread::scope(|scope| {
            let removal = scope.spawn(|| peer.stop_ordering(CHANNEL));
            while !peer.is_leaving(CHANNEL) {
                thread::yield_now();
            }
            assert_eq!(peer.order_for(&genesis), Err(JoinRefusal::PendingRemoval));
            assert_eq!(peer.stop_ordering(CHANNEL), Err(LeaveRefusal::PendingRemoval));
            assert!(peer.orderer(CHANNEL).unwrap().is_none());
            assert!(peer.channels().may_order(CHANNEL), "so that a crash does not lose the second");
            drop(go_on);
            removal.join().unwrap().unwrap();
        });
        drop(held);
        let ledger = committer.channel().ledger();
        assert_eq!(ledger.height(), 3, "what was accepted is committed");
        assert!(peer.orderer(CHANNEL).unwrap().is_none());
        assert_eq!(peer.stop_ordering(CHANNEL), Err(LeaveRefusal::Unknown));
        assert_eq!(peer.order_for(&genesis).unwrap(), CHANNEL);
        order(&peer, 3);
        peer.stop_ordering(CHANNEL).unwrap();
        assert_eq!(ledger.height(), 4, "nothing was ordered twice");
    }
}
