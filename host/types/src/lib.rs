//! Types that all layers share. Input is converted to one of them once, when it arrives, and is not
//! checked again afterwards.
//!
//! Invariant: no I/O, and no dependency on another crate of the workspace.

pub mod proto;

mod bounded;
mod causes;
#[cfg(feature = "grpc")]
pub mod codec;
mod deadline;
pub mod duration;
pub mod go_json;
pub mod grpc_metadata;
mod height;
mod hex;
mod host_port;
mod ids;
mod invocation;
mod kept;
mod key_policy;
mod meter;
mod names;
mod opened;
mod sha256;
mod share;
mod shown;
mod standing;
mod stream_origin;
mod system_chaincodes;
mod tls;

pub use bounded::{DEFINITION_FIELDS, decode_bounded, fields_in};
pub use causes::with_causes;
pub use deadline::{NO_TIME_LIMIT, deadline_after};
pub use height::Height;
pub use hex::{compute_tx_id, hex, unhex};
pub use host_port::is_host_port;
pub use ids::{ChaincodeName, ChannelId, InvalidId, TxId};
pub use invocation::{ChaincodeEvent, Entry, Permission, ProposalContext, Response, Timestamp};
pub use key_policy::{
    POLICY_DEPTH, POLICY_PRINCIPALS, POLICY_RULES, UnreadablePolicy, check_key_policy,
};
pub use meter::{Client, Exhausted, Meter, WhileWaiting};
pub use names::{CHAINCODE_LOG, VALIDATION_PARAMETER};
pub use opened::{
    ChaincodeAction, Endorsed, NotEndorsed, NotOpened, Opened, ResponsePayload, TransactionAction,
};
pub use sha256::{Sha256, sha256, sha256_all};
pub use share::{Place, Share, ShareFull, Shares};
pub use shown::{shown, shown_name};
pub use standing::Standing;
pub use stream_origin::StreamOrigin;
pub use system_chaincodes::{
    CSCC, ESCC, LIFECYCLE, LSCC, QSCC, SECRET_SEPARATOR, SYSTEM_CHAINCODES, VSCC,
};
pub use tls::{ClientIdentity, ClientTls, ServerTls};
