//! The transaction that is being simulated: arguments, client, time.
//!
//! Invariant: all values except the peer's own MSP id come from the client's proposal, so they are
//! the same on every endorser.

use std::collections::BTreeMap;

use crate::identity::ClientIdentity;
use crate::timestamp::Timestamp;
use crate::types::{MetadataEntry, SignedProposal};
use crate::{Context, Error, Result, read_json};

impl Context {
    /// Returns the arguments; by convention the first one is the function's name.
    pub fn get_args(&self) -> Vec<Vec<u8>> {
        self.peer.get_args()
    }

    /// Returns the arguments as text; bytes that are not UTF-8 become U+FFFD.
    pub fn get_string_args(&self) -> Vec<String> {
        self.get_args().iter().map(|arg| String::from_utf8_lossy(arg).into_owned()).collect()
    }

    /// Returns the first argument and the others as text; both are empty without arguments.
    pub fn get_function_and_parameters(&self) -> (String, Vec<String>) {
        let mut args = self.get_string_args().into_iter();
        (args.next().unwrap_or_default(), args.collect())
    }

    /// Returns the lower-case hexadecimal SHA-256 of the proposal's nonce and creator.
    pub fn get_tx_id(&self) -> String {
        self.peer.get_tx_id()
    }

    /// Returns the name of the channel.
    pub fn get_channel_id(&self) -> String {
        self.peer.get_channel_id()
    }

    /// Returns the submitting identity, a serialized `msp.SerializedIdentity`; see
    /// [`Context::client_identity`].
    pub fn get_creator(&self) -> Vec<u8> {
        self.peer.get_creator()
    }

    /// Returns the MSP id and certificate of the client that submits this transaction.
    ///
    /// # Errors
    /// The creator is not an `msp.SerializedIdentity`. No peer accepts such a proposal.
    pub fn client_identity(&self) -> Result<ClientIdentity> {
        ClientIdentity::parse(&self.get_creator())
    }

    /// Returns the transient data: only endorsers see it, it is not part of the transaction.
    pub fn get_transient(&self) -> BTreeMap<String, Vec<u8>> {
        named(self.peer.get_transient())
    }

    /// Returns one entry of the transient data, read as JSON.
    ///
    /// # Errors
    /// Status 400 if the entry is missing or is not the JSON of a `T`. The message does not contain
    /// the entry's data.
    pub fn transient<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T> {
        let entry = self.get_transient().remove(name).ok_or_else(|| {
            Error::bad_request(format!("{name} is missing in the transient data"))
        })?;
        read_json::from_slice(&entry).map_err(|_| {
            Error::bad_request(format!(
                "{name} in the transient data does not have the expected form"
            ))
        })
    }

    /// Returns the client's timestamp. Use it instead of a clock: endorsers must agree.
    ///
    /// # Errors
    /// The proposal has no timestamp.
    pub fn get_tx_timestamp(&self) -> Result<Timestamp> {
        let timestamp = self.peer.get_tx_timestamp();
        timestamp.ok_or_else(|| Error::internal("the proposal has no timestamp"))
    }

    /// Returns the SHA-256 of nonce, creator and epoch. It binds transient data to this proposal.
    pub fn get_binding(&self) -> Vec<u8> {
        self.peer.get_binding()
    }

    /// Returns the proposal with the client's signature; None if the call has no signed proposal.
    pub fn get_signed_proposal(&self) -> Option<SignedProposal> {
        self.peer.get_signed_proposal()
    }

    /// Returns the data that the peer's decorators added.
    pub fn get_decorations(&self) -> BTreeMap<String, Vec<u8>> {
        named(self.peer.get_decorations())
    }

    /// Returns the MSP id of the peer that runs the chaincode. It differs between endorsers of
    /// different organizations, so do not write it to the ledger.
    ///
    /// # Errors
    /// The peer does not provide it.
    pub fn get_peer_msp_id(&self) -> Result<String> {
        let msp_id = self.peer.get_peer_msp_id();
        // The text of Fabric's shim.
        msp_id.ok_or_else(|| Error::internal("'CORE_PEER_LOCALMSPID' is not set"))
    }
}

fn named(entries: Vec<MetadataEntry>) -> BTreeMap<String, Vec<u8>> {
    entries.into_iter().map(|entry| (entry.name, entry.value)).collect()
}
