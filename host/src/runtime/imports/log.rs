//! `fabric:chaincode/log`.

use crate::runtime::bindings::fabric::chaincode::log::{Host, Level};
use crate::runtime::instance::TxState;

impl Host for TxState {
    fn log(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.count_call()?;
        if !self.take_log_line() {
            return Ok(());
        }
        match level {
            Level::Debug => tracing::debug!(target: "wasmcc::chaincode", "{message}"),
            Level::Info => tracing::info!(target: "wasmcc::chaincode", "{message}"),
            Level::Warn => tracing::warn!(target: "wasmcc::chaincode", "{message}"),
            Level::Error => tracing::error!(target: "wasmcc::chaincode", "{message}"),
        }
        Ok(())
    }
}
