//! Calls of a typed client.

use wasmcc_sdk::Caller;

use crate::call::Call;
use crate::error::SandboxError;
use crate::outcome::Response;
use crate::sandbox::Sandbox;

/// A deployed chaincode, for a client from `#[contract(client)]` or `#[client]`: functions that
/// only read are evaluated, all others are submitted.
///
/// ```no_run
/// # use wasmcc_sdk::{Result, client};
/// # use wasmcc_test::{Sandbox, SandboxError};
/// #[client]
/// trait Prices {
///     fn set(&self, id: &str, price: u64) -> Result<()>;
///     #[transaction(evaluate)]
///     fn price(&self, id: &str) -> Result<u64>;
/// }
///
/// # fn main() -> std::result::Result<(), SandboxError> {
/// # let sandbox = Sandbox::new()?;
/// PricesClient::new(sandbox.chaincode("prices")).set("a1", 300)?;
/// let mut of_org2 = PricesClient::new(sandbox.chaincode("prices").org("Org2MSP").user("User2"));
/// assert_eq!(of_org2.price("a1")?, 300);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Chaincode<'a> {
    sandbox: &'a Sandbox,
    name: String,
    adjust: Vec<(Setting, String, Vec<u8>)>,
}

#[derive(Clone, Copy)]
enum Setting {
    Org,
    User,
    Transient,
}

impl Sandbox {
    /// Returns a deployed chaincode for a typed client.
    pub fn chaincode(&self, name: &str) -> Chaincode<'_> {
        Chaincode { sandbox: self, name: name.to_owned(), adjust: Vec::new() }
    }
}

impl Chaincode<'_> {
    /// Sets the callers' organization, as [`Call::org`] does.
    pub fn org(self, msp_id: &str) -> Self {
        self.with(Setting::Org, msp_id, Vec::new())
    }

    /// Sets the caller, as [`Call::user`] does.
    pub fn user(self, user: &str) -> Self {
        self.with(Setting::User, user, Vec::new())
    }

    /// Adds transient data to each call, as [`Call::transient`] does.
    pub fn transient(self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.with(Setting::Transient, name, value.into())
    }

    fn with(mut self, setting: Setting, name: &str, value: Vec<u8>) -> Self {
        self.adjust.push((setting, name.to_owned(), value));
        self
    }
}

impl Caller for Chaincode<'_> {
    type Error = SandboxError;

    fn call(
        &mut self,
        function: &str,
        evaluate: bool,
        args: Vec<Vec<u8>>,
    ) -> Result<Vec<u8>, SandboxError> {
        let call = Call::new(&self.name, function).args(args);
        let call = self.adjust.iter().fold(call, |call, (setting, name, value)| match setting {
            Setting::Org => call.org(name),
            Setting::User => call.user(name),
            Setting::Transient => call.transient(name, value.clone()),
        });
        match evaluate {
            true => Ok(self.sandbox.evaluate(call)?.response.payload),
            false => Ok(self.sandbox.submit(call)?.endorsed.response.payload),
        }
    }
}

/// The error of an argument without a JSON form, or of a payload that the client cannot decode.
impl From<wasmcc_sdk::Error> for SandboxError {
    fn from(error: wasmcc_sdk::Error) -> Self {
        let (status, message) = (error.status(), error.message().to_owned());
        Self::Refused(Response { status, message, payload: Vec::new() })
    }
}
