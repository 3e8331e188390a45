//! Joins the peers of a process, and its orderer, to channels.

use std::time::SystemTime;

use prost::Message;

use crate::Peer;
use crate::error::CreateChannelError;
use wasmcc_client::ProposalBuilder;
use wasmcc_msp::Expiry;
use wasmcc_msp::network::Org;
use wasmcc_types::{CSCC, ChannelId, Response};

impl Peer {
    /// Joins the peers of all organizations here to a channel; creates it if necessary.
    pub fn join_channel(&self, name: &str) -> Result<(), CreateChannelError> {
        if self.channels.get(name).is_none() {
            return self.create_channel(name);
        }
        self.join_all(name)
    }

    fn join_all(&self, name: &str) -> Result<(), CreateChannelError> {
        self.channels.add_orderer(name)?;
        self.orgs().try_for_each(|org| self.channels.add_member(org, name))?;
        // Starts the committer, so that a problem of its orderer is in the log now and not only
        // after the first envelope.
        drop(self.committer(name));
        Ok(())
    }

    /// Creates a channel of all organizations of the network by a proposal of the first
    /// organization's admin to CSCC. Then joins the peers of all organizations here to it.
    pub fn create_channel(&self, name: &str) -> Result<(), CreateChannelError> {
        let id = ChannelId::parse(name)?;
        let mut genesis = self.network.genesis(id);
        genesis.batch_limits = self.batch;
        let block = genesis.block()?.encode_to_vec();
        let own = self.org().and_then(|org| self.network.org(org));
        let own = own.ok_or(CreateChannelError::NoOrganization)?;
        let admin = own.admin()?;
        if admin.expiry().left(SystemTime::now()).is_none() {
            return Err(expired(name, own, admin.expiry()));
        }
        let signed =
            ProposalBuilder::new("", CSCC).args([b"JoinChain".to_vec(), block]).sign(&admin);
        let response = self.process(signed.signed)?.response.response.unwrap_or_default();
        if response.status >= Response::ERROR_THRESHOLD {
            let (name, message) = (name.to_owned(), response.message);
            return Err(CreateChannelError::NotJoined { name, message });
        }
        self.join_all(name)
    }
}

/// Returns the error for an expired certificate. The peer's own refusal does not name the
/// certificate.
fn expired(name: &str, org: &Org, expiry: Expiry) -> CreateChannelError {
    let folder = org.msp_folder("Admin").map(|folder| folder.join("signcerts"));
    CreateChannelError::Expired {
        name: name.to_owned(),
        admin: format!("Admin@{}", org.domain()),
        place: folder.map(|folder| format!(" in {}", folder.display())).unwrap_or_default(),
        expiry,
    }
}
