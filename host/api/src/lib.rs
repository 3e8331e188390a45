//! Fabric's gRPC services in front of a peer: Endorser, Gateway, Deliver, ChaincodeSupport, and
//! the orderer's AtomicBroadcast; and the client of chaincode servers.
//!
//! Invariant: converts and delegates, decides nothing. The trait [`Peer`] is what a peer can do;
//! its implementation decides who may do it, and what the result is.

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
mod connections;
mod deadline;
mod deliver;
mod deliver_config;
mod descriptors;
mod door;
mod endorser;
mod entrance;
mod filtered_block;
mod gateway;
mod measured;
mod ordering;
mod peer;
mod peer_deliver;
mod peer_error;
mod plain_text;
mod receipt;
mod routes;
mod seek;
mod server;
mod shutdown;
mod status;
#[cfg(test)]
mod tests;
mod trailers;
mod waits;

pub use chaincode_dialer::ChaincodeDialer;
pub use connection_table::Patience;
pub use deliver_config::DeliverConfig;
pub use descriptors::{Descriptors, DescriptorsError};
pub use peer::{
    BlockListener, ChaincodeStream, CommitStatus, OrderListener, Peer, Processing, Reading,
    Standing, TxListener, Watching,
};
pub use peer_error::{AccessError, AssembleError, LedgerReadError, OrderError};
pub use receipt::Receipt;
pub use server::{Server, ServerConfig};
pub use shutdown::shutdown_signal;
pub use status::error_details;
