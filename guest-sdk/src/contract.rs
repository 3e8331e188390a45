//! Contracts: named groups of transaction functions, as in Fabric's contract API.
//!
//! The first argument is `Contract:Function`, split at the last colon. Without a colon it names a
//! function of the default contract, which is the first one. Clients may write `CreateAsset` or
//! `createAsset`. Order and error texts are those of fabric-contract-api-go,
//! contractapi/contract_chaincode.go.
//!
//! Invariant: routing depends on the arguments only.

use crate::data_type::begin_of;
use crate::metadata::TransactionMetadata;
use crate::types::Response;
use crate::{Chaincode, Context, DataType, Error, Result, metadata};

/// A group of transaction functions. [`macro@crate::contract`] implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a contract",
    note = "put `#[contract]` on an `impl` block of it, `#[transaction]` on functions in the block"
)]
pub trait Contract {
    /// The name that clients put before the colon.
    fn name(&self) -> &'static str;

    /// The version that the metadata shows.
    fn version(&self) -> &'static str;

    /// The description of the contract in the metadata; may be empty.
    fn description(&self) -> &'static str {
        ""
    }

    /// Runs a function; None if it does not exist. The name begins with a capital letter, or with a
    /// letter beyond ASCII exactly as the client sent it.
    fn call(&self, ctx: &Context, function: &str, args: &[Vec<u8>]) -> Option<Result<Vec<u8>>>;

    /// Returns the functions that [`Contract::call`] accepts.
    fn describe(&self) -> &'static [TransactionMetadata];

    /// Runs before every function, even before a missing one.
    ///
    /// # Errors
    /// With an error, the function does not run.
    fn before(&self, ctx: &Context) -> Result<()> {
        let _ = ctx;
        Ok(())
    }

    /// Runs after a function that succeeded, with its payload.
    ///
    /// # Errors
    /// With an error, the result is dropped and the transaction refused.
    fn after(&self, ctx: &Context, payload: &[u8]) -> Result<()> {
        let _ = (ctx, payload);
        Ok(())
    }

    /// Runs if the called function does not exist; None makes the call an error.
    fn unknown(&self, ctx: &Context) -> Option<Result<Vec<u8>>> {
        let _ = ctx;
        None
    }
}

/// A chaincode that consists of several contracts.
pub struct Contracts<'a> {
    contracts: Vec<&'a dyn Contract>,
}

impl<'a> Contracts<'a> {
    /// Combines contracts; the first one is the default.
    pub fn new(contracts: Vec<&'a dyn Contract>) -> Self {
        Self { contracts }
    }

    /// Panics on a repeated name: only the first of such contracts could be called.
    fn check_names(&self) -> Result<()> {
        for (index, contract) in self.contracts.iter().enumerate() {
            let name = contract.name();
            if self.contracts.iter().take(index).any(|other| other.name() == name) {
                let words = format!("two contracts of this chaincode have the name {name}");
                return Err(Error::internal(words));
            }
        }
        Ok(())
    }

    fn route(&self, ctx: &Context) -> Result<Vec<u8>> {
        self.check_names()?;
        let args = ctx.get_args();
        let called =
            args.first().map_or(String::new(), |name| String::from_utf8_lossy(name).into());
        let (name, function) = match called.rsplit_once(':') {
            Some((contract, function)) => (Some(contract), function),
            None => (None, called.as_str()),
        };
        if name == Some(metadata::SYSTEM_CONTRACT) && capitalized(function) == "GetMetadata" {
            return Ok(metadata::describe(&self.contracts).into_bytes());
        }
        let contract = match name {
            Some(name) => self.contracts.iter().find(|contract| contract.name() == name),
            None => self.contracts.first(),
        };
        let contract = contract.ok_or_else(|| {
            let name = name.unwrap_or_default();
            Error::internal(format!("Contract not found with name {name}"))
        })?;
        if function.is_empty() {
            return Err(Error::internal("Blank function name passed"));
        }
        contract.before(ctx)?;
        let payload = contract
            .call(ctx, &capitalized(function), args.get(1..).unwrap_or_default())
            .or_else(|| contract.unknown(ctx))
            .unwrap_or_else(|| {
                let name = contract.name();
                Err(Error::internal(format!("Function {function} not found in contract {name}")))
            })?;
        contract.after(ctx, &payload)?;
        Ok(payload)
    }
}

impl Chaincode for Contracts<'_> {
    fn init(&self, ctx: &Context) -> Response {
        if ctx.get_function_and_parameters().0.is_empty() {
            return Response::success("Default initiator successful.");
        }
        self.invoke(ctx)
    }

    fn invoke(&self, ctx: &Context) -> Response {
        self.route(ctx).into()
    }
}

/// Makes the first ASCII letter a capital. The macro handles other letters: their case table would
/// add 12 kB to each component.
fn capitalized(function: &str) -> String {
    let mut name = function.to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    name
}

/// Returns how many arguments a call needs: trailing `Option`s may be omitted. Called by the code
/// of [`macro@crate::contract`], as are the next two functions.
#[doc(hidden)]
pub const fn required(optional: &[bool]) -> usize {
    let mut required = optional.len();
    while required > 0 && optional[required - 1] {
        required -= 1;
    }
    required
}

/// Refuses a call with too few arguments, as fabric-contract-api-go does before it reads them
/// (internal/contract_function.go, `formatArgs`). Ignores surplus arguments.
#[doc(hidden)]
pub fn enough(args: &[Vec<u8>], names: &[&str], required: usize) -> Result<()> {
    let received = args.len();
    match names.get(received) {
        Some(name) if received < required => Err(Error::bad_request(format!(
            "incorrect number of params. Expected {required}, received {received}: \
             parameter {name} is missing"
        ))),
        _ => Ok(()),
    }
}

/// Decodes the parameter at `index`; a missing one is None.
#[doc(hidden)]
pub fn parameter<T: DataType>(args: &[Vec<u8>], index: usize, name: &str) -> Result<T> {
    let argument = args.get(index).map_or(b"".as_slice(), Vec::as_slice);
    T::decode(argument).map_err(|words| {
        // serde's texts repeat unknown names, which may be long.
        Error::bad_request(format!("parameter {name}: {}", begin_of(&words, 256)))
    })
}

/// Makes contracts the chaincode of this crate's component; the first one is the default.
///
/// The crate has `crate-type = ["cdylib", "rlib"]`. The exports exist for wasm only, so the crate
/// also builds and tests natively.
///
/// ```
/// # use wasmcc_sdk::{Context, Result, contract};
/// struct Assets;
/// struct Audit;
/// # #[contract] impl Assets {}
/// # #[contract] impl Audit {}
/// wasmcc_sdk::chaincode!(Assets, Audit);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! chaincode {
    ($($contract:expr),+ $(,)?) => {
        $crate::export_chaincode!($crate::Contracts::new(vec![$(&$contract),+]));
    };
}

#[cfg(test)]
mod tests;
