//! The folders of a ledger, and the tables of its channels.
//!
//! Does not interpret the rows.

use crate::error::LedgerError;
use crate::store::{Database, Table};
use wasmcc_types::ChannelId;

/// The name of the folder of the state.
pub(crate) const STATE: &str = "state";
/// The name of the folder of the channels.
pub(crate) const CHANNELS: &str = "channels";

/// The name of the folder of the private data.
pub(crate) const PRIVATE: &str = "private";

/// The name of the folder of the peer's own values.
pub(crate) const PEER: &str = "peer";

/// The tables of one channel.
pub(crate) struct Tables {
    pub(crate) state: Table,
    pub(crate) private: Table,
    pub(crate) transient: Table,
}

impl Tables {
    /// Opens the tables of a channel, and creates missing ones. The state is in one database,
    /// private data are in the other.
    pub(crate) fn open(
        state: &Database,
        private: &Database,
        channel: &ChannelId,
    ) -> Result<Self, LedgerError> {
        Ok(Self {
            state: state.table(channel)?,
            private: private.table(channel)?,
            transient: private.table(&transient_name(channel))?,
        })
    }
}

/// The name of the table of the transient store. No channel's name contains `~`.
pub(crate) fn transient_name(channel: &ChannelId) -> String {
    format!("{channel}~transient")
}
