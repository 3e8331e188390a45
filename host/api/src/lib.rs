//! Fabric's gRPC services of a peer: Endorser, Gateway, Deliver, ChaincodeSupport, Discovery,
//! Snapshot, and the orderer's AtomicBroadcast; also the client of chaincode servers.
//!
//! Invariant: converts and delegates, decides nothing. The trait [`Peer`] lists the operations of a
//! peer; its implementation decides who may use them and what they return.

mod admin_door;
mod answers;
mod arriving;
mod atomic_broadcast;
mod block_feed;
mod budget;
mod call;
mod chaincode_dialer;
mod chaincode_events;
mod chaincode_stream;
mod chaincode_support;
mod collecting;
mod connection;
mod connection_table;
mod deadline;
mod deliver;
mod deliver_config;
mod descriptors;
mod discovery;
mod discovery_config;
mod door;
mod endorser;
mod entrance;
mod filtered_block;
mod framing;
mod free;
mod gateway;
mod listener;
mod local;
mod measured;
mod metadata;
mod multipart;
mod ordering;
mod outgoing;
mod outlet;
mod participation;
mod peer;
mod peer_deliver;
mod peer_error;
mod plain_text;
mod receipt;
mod routes;
mod seek;
mod seldom;
mod self_description;
mod server;
mod services;
mod shutdown;
mod snapshot;
mod status;
#[cfg(test)]
mod tests;
mod trailers;
mod until_stop;
mod waits;
mod web_site;

pub use chaincode_dialer::ChaincodeDialer;
pub use connection_table::Patience;
pub use deliver_config::DeliverConfig;
pub use descriptors::{Descriptors, DescriptorsError};
pub use listener::{Listener, Role};
pub use local::Local;
pub use peer::{
    BlockListener, ChaincodeStream, ChannelPeer, CommitStatus, JoinRefusal, LeaveRefusal,
    OrderListener, Peer, PeerInfo, Processing, Reading, RunningChaincode, Standing, TxListener,
    Watching,
};
pub use peer_error::{
    AccessError, AdminError, AssembleError, DiscoveryError, LedgerReadError, OrderError,
    SnapshotError,
};
pub use receipt::Receipt;
pub use server::{BindError, Server, ServerConfig};
pub use shutdown::shutdown_signal;
pub use status::error_details;
pub use web_site::is_of_a_web_site;
