//! A chaincode that wants the network: its component imports `wasi:sockets`, which no peer links,
//! so it must be refused at install.
//!
//! Invariant: the import is really used; an unused one would be gone from the component.

use std::net::TcpStream;

use wasmcc_sdk::{Chaincode, Context, Response};

/// Connects to the address that its first argument gives.
pub struct Sockets;

impl Chaincode for Sockets {
    fn invoke(&self, ctx: &Context) -> Response {
        let (address, _) = ctx.get_function_and_parameters();
        match TcpStream::connect(address) {
            Ok(_) => Response::success("connected"),
            Err(error) => Response::error(error.to_string()),
        }
    }
}

wasmcc_sdk::export_chaincode!(Sockets);
