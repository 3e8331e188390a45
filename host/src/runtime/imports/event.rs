//! `fabric:chaincode/event`.

use crate::runtime::bindings::fabric::chaincode::event::Host;
use crate::runtime::bindings::fabric::chaincode::types::Error;
use crate::runtime::imports::{Answer, invalid};
use crate::runtime::rules;
use crate::runtime::tx_state::TxState;
use crate::types::ChaincodeEvent;

impl Host for TxState {
    fn set_event(&mut self, name: String, payload: Vec<u8>) -> Answer<()> {
        self.count_call(name.len() + payload.len())?;
        if let Err(text) = rules::event_name(&name) {
            return invalid(text);
        }
        let limit = self.limits().event_bytes;
        let size = name.len() + payload.len();
        if size > limit {
            let text = format!("event of {size} bytes is over the limit of {limit} bytes");
            return Ok(Err(Error::LimitExceeded(text)));
        }
        self.set_event(ChaincodeEvent { name, payload });
        Ok(Ok(()))
    }
}
