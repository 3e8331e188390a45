//! The chaincode that the captured channel's own chaincode calls.
//!
//! Invariant: it does only what the calls of that channel show.

use wasmcc_sdk::{Chaincode, Context, Response};

/// See the head of this crate.
pub struct Gocc;

impl Chaincode for Gocc {
    /// `put KEY VALUE` writes and returns the value.
    fn invoke(&self, ctx: &Context) -> Response {
        match ctx.get_string_args().as_slice() {
            [put, key, value] if put == "put" => {
                ctx.put_state(key, value.as_bytes()).map(|()| value.clone().into_bytes()).into()
            }
            args => Response::error(format!("no call {args:?}")),
        }
    }
}

wasmcc_sdk::export_chaincode!(Gocc);
