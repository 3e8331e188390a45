//! A chaincode that needs the network: its component imports `wasi:sockets`, which no peer links,
//! so it must be refused at install.
//!
//! Invariant: the import is called; the linker would drop an unused one.

use std::net::TcpStream;

use wasmcc_sdk::{Chaincode, Context, Response};

/// Connects to the address in its first argument.
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
