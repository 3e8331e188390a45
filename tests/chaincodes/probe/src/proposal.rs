//! The probe's operations on data of the proposal.
//!
//! Invariant: each function of the WIT interface `transaction` has an operation, which returns its
//! result completely.

use wasmcc_sdk::{Context, Result};

use crate::{hex, lines};

/// Runs `args`, `creator`, `binding`, `proposal`, `signature`, `transients` and `decorations`; None
/// for any other operation.
pub(crate) fn read(ctx: &Context, operation: &str) -> Option<Result<Vec<u8>>> {
    let named = |map: std::collections::BTreeMap<String, Vec<u8>>| {
        lines(map.into_iter().map(|(name, value)| format!("{name}={}", hex(&value))))
    };
    Some(Ok(match operation {
        "args" => lines(ctx.get_args().iter().map(|arg| hex(arg))),
        "creator" => ctx.get_creator(),
        "binding" => ctx.get_binding(),
        "proposal" => ctx.get_signed_proposal()?.proposal_bytes,
        "signature" => ctx.get_signed_proposal()?.signature,
        "transients" => named(ctx.get_transient()),
        "decorations" => named(ctx.get_decorations()),
        _ => return None,
    }))
}
