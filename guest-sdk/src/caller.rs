//! Typed clients of contracts, and the callers that make their calls.
//!
//! Does not know the peer: a chaincode's context, a mock ledger or a sandbox makes the call.

use crate::{Context, DataType, Error, Result};

/// Makes the calls of a typed client from `#[contract(client)]` or `#[client]`.
///
/// For any other way to reach a chaincode, a function that makes the call is a caller, too:
///
/// ```
/// use wasmcc_sdk::{Error, Result, client};
///
/// #[client]
/// trait Counter {
///     fn add(&self, number: u64) -> Result<u64>;
/// }
///
/// let mut counter = CounterClient::new(|function: &str, _evaluate: bool, args: Vec<Vec<u8>>| {
///     assert_eq!((function, args), ("Add", vec![b"2".to_vec()]));
///     Ok::<_, Error>(b"7".to_vec())
/// });
/// assert_eq!(counter.add(2), Ok(7));
/// ```
#[diagnostic::on_unimplemented(
    message = "a client's calls cannot go to `{Self}`",
    note = "use `ctx.chaincode(\"name\")`, `sandbox.chaincode(\"name\")`, or `&mut ledger`"
)]
pub trait Caller {
    /// The error of a call. It must also express that an argument has no JSON form, or that the
    /// client cannot decode the payload.
    type Error: From<Error>;

    /// Calls a function and returns its payload. `evaluate` is true for functions that only read: a
    /// test need not commit the call.
    ///
    /// # Errors
    /// The contract refuses the call, or the call cannot be made.
    fn call(
        &mut self,
        function: &str,
        evaluate: bool,
        args: Vec<Vec<u8>>,
    ) -> Result<Vec<u8>, Self::Error>;
}

impl<E: From<Error>, F> Caller for F
where
    F: FnMut(&str, bool, Vec<Vec<u8>>) -> Result<Vec<u8>, E>,
{
    type Error = E;

    fn call(&mut self, function: &str, evaluate: bool, args: Vec<Vec<u8>>) -> Result<Vec<u8>, E> {
        self(function, evaluate, args)
    }
}

/// Another chaincode. [`Context::chaincode`] calls it within its own transaction.
pub struct Called<'a> {
    ctx: &'a Context,
    name: &'a str,
    channel: &'a str,
}

impl<'a> Called<'a> {
    /// Returns the chaincode of this name on another channel; it can only be read.
    #[must_use]
    pub fn on_channel(self, channel: &'a str) -> Self {
        Self { channel, ..self }
    }
}

impl Context {
    /// Returns another chaincode on this channel, for a typed client of its contract.
    ///
    /// ```
    /// # use wasmcc_sdk::{Context, Result, client};
    /// # #[client]
    /// # trait Prices {
    /// #     fn price(&self, id: &str) -> Result<u64>;
    /// # }
    /// fn price(ctx: &Context, id: &str) -> Result<u64> {
    ///     PricesClient::new(ctx.chaincode("prices")).price(id)
    /// }
    /// ```
    pub fn chaincode<'a>(&'a self, name: &'a str) -> Called<'a> {
        Called { ctx: self, name, channel: "" }
    }
}

impl Caller for Called<'_> {
    type Error = Error;

    fn call(&mut self, function: &str, _evaluate: bool, mut args: Vec<Vec<u8>>) -> Result<Vec<u8>> {
        args.insert(0, function.as_bytes().to_vec());
        self.ctx.try_invoke_chaincode(self.name, &args, self.channel)?.ok()
    }
}

/// Calls a function and decodes its payload. Called by the code of typed clients.
#[doc(hidden)]
pub fn call<C: Caller, T: DataType>(
    caller: &mut C,
    function: &str,
    evaluate: bool,
    args: Result<Vec<Vec<u8>>>,
) -> Result<T, C::Error> {
    let payload = caller.call(function, evaluate, args?)?;
    let unexpected = |words| Error::internal(format!("the payload of {function}: {words}"));
    Ok(T::decode(&payload).map_err(unexpected)?)
}

#[cfg(test)]
mod tests;
