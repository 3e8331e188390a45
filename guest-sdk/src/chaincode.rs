//! Chaincodes in the style of Fabric's shim, and their exports as a component.
//!
//! Invariant: the exports exist for wasm only, because native linkers refuse characters in their
//! names. Without them a chaincode is an ordinary crate, which `cargo test` can test.

use crate::Context;
use crate::types::Response;

/// The two functions of Fabric's shim, for chaincodes that read their arguments themselves. Most
/// chaincodes should use [`crate::contract`].
///
/// ```
/// use wasmcc_sdk::{Chaincode, Context, Response};
///
/// struct Greeter;
///
/// impl Chaincode for Greeter {
///     fn invoke(&self, ctx: &Context) -> Response {
///         let (_, names) = ctx.get_function_and_parameters();
///         Response::success(format!("hello {}", names.join(" and ")))
///     }
/// }
///
/// wasmcc_sdk::export_chaincode!(Greeter);
/// # fn main() {
/// # use wasmcc_sdk::testing::MockLedger;
/// let mut ledger = MockLedger::with_chaincode(Greeter);
/// # use wasmcc_sdk::args;
/// assert_eq!(ledger.submit("greet", args!["ann", "bob"]).unwrap().text(), "hello ann and bob");
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a chaincode",
    note = "implement `Chaincode`, or make it a contract and write `wasmcc_sdk::chaincode!(..)`"
)]
pub trait Chaincode {
    /// Runs when the chaincode is instantiated or upgraded. A status of 500 or more refuses that.
    fn init(&self, ctx: &Context) -> Response {
        let _ = ctx;
        Response::success(Vec::new())
    }

    /// Runs for every other proposal, each time in a fresh instance: `self` keeps no changes.
    fn invoke(&self, ctx: &Context) -> Response;
}

/// Exports a value of a [`Chaincode`] as the chaincode of this crate's component. In native builds
/// it only checks the type.
///
/// The crate needs `crate-type = ["cdylib", "rlib"]`.
#[macro_export]
macro_rules! export_chaincode {
    ($chaincode:expr) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Component;

            impl $crate::component::Guest for Component {
                fn init() -> $crate::Response {
                    $crate::component::init(&$chaincode)
                }

                fn invoke() -> $crate::Response {
                    $crate::component::invoke(&$chaincode)
                }
            }

    $crate::component::export!(Component with_types_in $crate::component);
        };

        #[cfg(not(target_family = "wasm"))]
        const _: fn() = || {
            fn is_a_chaincode(_: &impl $crate::Chaincode) {}
            is_a_chaincode(&$chaincode);
        };
    };
}
