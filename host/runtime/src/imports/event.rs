//! `fabric:chaincode/event`.

use crate::bindings::fabric::chaincode::event::Host;
use crate::bindings::fabric::chaincode::types::Error;
use crate::imports::{ImportResult, invalid};
use crate::rules;
use crate::tx_state::TxState;
use wasmcc_types::ChaincodeEvent;

impl Host for TxState {
    fn set_event(&mut self, name: String, payload: Vec<u8>) -> ImportResult<()> {
        self.count_call(name.len() + payload.len())?;
        if let Err(broken) = rules::event_name(&name) {
            return invalid(broken);
        }
        let limit = self.limits().event_bytes;
        let size = name.len() + payload.len();
        if size > limit {
            let text = format!("event of {size} bytes is over the limit of {limit} bytes");
            return Ok(Err(Error::LimitExceeded(text)));
        }
        self.set_event(ChaincodeEvent { name, payload })?;
        Ok(Ok(()))
    }
}
