//! `fabric:chaincode/log`.

use crate::bindings::fabric::chaincode::log::{Host, Level};
use crate::cost;
use crate::output::one_line;
use crate::tx_state::TxState;

impl Host for TxState {
    fn log(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.charge(cost::LOG_LINE);
        self.count_call(message.len())?;
        if !self.take_log_line() {
            return Ok(());
        }
        let message = one_line(shorten(&message, self.limits().log_line_bytes));
        self.in_span(|| match level {
            Level::Debug => tracing::debug!(target: "wasmcc::chaincode", "{message}"),
            Level::Info => tracing::info!(target: "wasmcc::chaincode", "{message}"),
            Level::Warn => tracing::warn!(target: "wasmcc::chaincode", "{message}"),
            Level::Error => tracing::error!(target: "wasmcc::chaincode", "{message}"),
        });
        Ok(())
    }
}

/// The beginning of a line, at most `limit` bytes.
fn shorten(line: &str, limit: usize) -> &str {
    &line[..line.floor_char_boundary(limit)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_between_characters() {
        assert_eq!(shorten("short", 5), "short");
        assert_eq!(shorten("longer", 5), "longe");
        assert_eq!(shorten("\u{fc}\u{fc}\u{fc}", 5), "\u{fc}\u{fc}");
    }
}
