//! A component's call without a peer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use wasmcc_runtime::Invocation;
use wasmcc_types::{Entry, Meter, ProposalContext, TxId};

const HOUR: Duration = Duration::from_secs(3_600);

/// Returns a call of a chaincode with a time limit of an hour and no limits of its own.
///
/// # Panics
/// Never: the transaction id is well formed.
pub fn invocation(chaincode: &str, args: &[&str]) -> Invocation {
    Invocation {
        entry: Entry::Invoke,
        chaincode: chaincode.into(),
        channel_id: "mychannel".into(),
        tx_id: TxId::parse(&"a".repeat(64)).expect("it is hexadecimal"),
        args: args.iter().map(|arg| arg.as_bytes().to_vec()).collect(),
        decorations: BTreeMap::new(),
        proposal: Arc::new(ProposalContext::default()),
        peer_msp_id: "Org1MSP".into(),
        timeout: HOUR,
        meter: Arc::new(Meter::unlimited(HOUR)),
        share: Arc::default(),
        limits: None,
    }
}
