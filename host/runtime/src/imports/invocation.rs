//! `fabric:chaincode/invocation`.

use crate::backend::BackendError;
use crate::bindings::fabric::chaincode::invocation::{Host, Response};
use crate::cost::{self, Received};
use crate::imports::ImportResult;
use crate::rules;
use crate::tx_state::TxState;
use wasmcc_types as types;

impl Host for TxState {
    async fn invoke_chaincode(
        &mut self,
        name: String,
        args: Vec<Vec<u8>>,
        channel: Option<String>,
    ) -> ImportResult<Response> {
        let channel = channel.unwrap_or_default();
        let called = self.call_chaincode(&name, args, &channel).await?;
        let answer = self.answer(called)?;
        Ok(answer.map(|types::Response { status, message, payload }| Response {
            status,
            message,
            payload,
        }))
    }
}

impl TxState {
    /// Runs another chaincode. The caller of this charges for the answer.
    pub(crate) async fn call_chaincode(
        &mut self,
        name: &str,
        args: Vec<Vec<u8>>,
        channel: &str,
    ) -> wasmtime::Result<Result<types::Response, BackendError>> {
        let address = rules::chaincode_address(name, channel);
        self.charge(args.cost());
        let port = self.backend(cost::CHAINCODE, address.len())?;
        Ok(port.invoke_chaincode(&address, args).await)
    }
}
