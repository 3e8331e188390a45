//! `fabric:chaincode/invocation`.

use crate::backend::ErrorKind;
use crate::bindings::fabric::chaincode::invocation::{Host, Response};
use crate::cost::{self, Received};
use crate::failure::{Failure, Stop};
use crate::rules;
use crate::tx_state::TxState;
use wasmcc_types as types;

impl Host for TxState {
    async fn invoke_chaincode(
        &mut self,
        name: String,
        args: Vec<Vec<u8>>,
        channel: String,
    ) -> wasmtime::Result<Response> {
        let address = rules::chaincode_address(&name, &channel);
        self.charge(args.cost());
        let port = self.backend(cost::CHAINCODE, address.len())?;
        let answer = match port.invoke_chaincode(&address, args).await {
            Ok(response) => response,
            Err(error) if error.kind == ErrorKind::TransactionOver => {
                return Err(Stop(Failure::TransactionOver(error.text)).into());
            }
            // As fabric-chaincode-go does: the peer's refusal is a response, its text the payload.
            Err(error) => types::Response {
                status: types::Response::ERROR,
                message: String::new(),
                payload: error.text.into_bytes(),
            },
        };
        self.charge(answer.cost());
        let types::Response { status, message, payload } = answer;
        Ok(Response { status, message, payload })
    }
}
