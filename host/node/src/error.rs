//! Errors of opening a peer and of creating a channel.

use std::path::PathBuf;

use crate::data_folder::DataFolderError;
use crate::local_orgs::LocalOrgsError;
use crate::running::RunningError;
use wasmcc_channel::ChannelError;
use wasmcc_ledger::LedgerError;
use wasmcc_msp::{Expiry, MspError, PolicyError};
use wasmcc_peer::endorser::Rejected;
use wasmcc_protocol::ProtocolError;
use wasmcc_runtime::RuntimeError;
use wasmcc_types::InvalidId;

/// The reason why a peer does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The network lacks one of the organizations, or its keys.
    #[error(transparent)]
    Orgs(#[from] LocalOrgsError),
    /// The data folder belongs to another peer, or cannot be used.
    #[error(transparent)]
    DataFolder(#[from] DataFolderError),
    /// The ledgers cannot be opened.
    #[error("cannot open the ledgers in {}", folder.display())]
    Ledgers {
        /// The data folder.
        folder: PathBuf,
        /// The cause.
        source: LedgerError,
    },
    /// As `Ledgers`, for a peer without a data folder, whose ledgers are temporary files.
    #[error(
        "cannot open ledgers in memory, which have a folder among the temporary files (TMPDIR)"
    )]
    LedgersInMemory(#[source] LedgerError),
    /// The folder of snapshots cannot be used.
    #[error("cannot use the folder of snapshots {}", folder.display())]
    Snapshots {
        /// The folder.
        folder: PathBuf,
        /// The cause.
        source: LedgerError,
    },
    /// The runtime for components cannot be set up.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// A stored channel cannot be opened.
    #[error(transparent)]
    Channels(#[from] ChannelError),
    /// A system chaincode does not register.
    #[error(transparent)]
    SystemChaincodes(#[from] ProtocolError),
}

/// The reason why a channel is not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateChannelError {
    /// The name is not a valid channel name.
    #[error(transparent)]
    Name(#[from] InvalidId),
    /// The network cannot make a genesis block.
    #[error(transparent)]
    Genesis(#[from] PolicyError),
    /// The network has no organization to create the channel.
    #[error("no organization")]
    NoOrganization,
    /// The list of the channel's members cannot be written.
    #[error(transparent)]
    Members(#[from] ChannelError),
    /// The organization's admin cannot sign.
    #[error(transparent)]
    Admin(#[from] MspError),
    /// The certificate of the organization's admin has expired.
    #[error(
        "cannot create channel {name}: the certificate of {admin}{place} has expired on {expiry}; \
         renew it: the channel is created in the admin's name"
    )]
    Expired {
        /// The channel.
        name: String,
        /// The admin.
        admin: String,
        /// The folder of its certificate; empty if the network is not in a folder.
        place: String,
        /// The end of its validity.
        expiry: Expiry,
    },
    /// The peer refused the proposal.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The peer does not join the channel.
    #[error("cannot create channel {name}: {message}")]
    NotJoined {
        /// The channel.
        name: String,
        /// CSCC's message.
        message: String,
    },
}

/// The packages from which a chaincode runs are unknown, because the definitions or the packages
/// cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct PackagesError(pub(crate) RunningError);
