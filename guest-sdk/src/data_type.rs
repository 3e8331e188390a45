//! How values are encoded as arguments and results: the conventions of Fabric's contract API.
//!
//! Text and bytes are sent unchanged. Numbers, booleans and enums without data become text. All
//! other values are JSON. A missing value is an empty payload. A type has one schema, for arguments
//! and results.
//!
//! Invariant: equal values always have the same bytes. Maps without an order are therefore not
//! supported.

mod arguments;
mod containers;
mod json;
mod present;
mod text;

pub use arguments::ToArgument;
pub(crate) use json::state;
pub use text::decode_variant;
pub use text::encode_variant;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::schema::Schema;
use crate::{Error, Result};

/// A type that a transaction can have as parameter or result.
///
/// For your own structs and enums use `#[derive(DataType)]` beside serde's derives:
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use wasmcc_sdk::DataType;
///
/// #[derive(DataType, Serialize, Deserialize)]
/// #[serde(rename_all = "PascalCase")]
/// struct Asset {
///     #[serde(rename = "ID")]
///     id: String,
///     appraised_value: u64,
/// }
///
/// let asset = Asset::decode(br#"{"ID":"a1","AppraisedValue":300}"#).unwrap();
/// assert_eq!(asset.encode().unwrap(), br#"{"ID":"a1","AppraisedValue":300}"#);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter or a result of a transaction",
    note = "derive `DataType`, `Serialize` and `Deserialize` for your own types",
    note = "a `HashMap` has no fixed order, and endorsers must agree: use a `BTreeMap`"
)]
pub trait DataType: Serialize + DeserializeOwned {
    /// True if a field of this type may be missing in its struct, and a last argument in its call.
    const OPTIONAL: bool = false;

    /// The type's JSON schema.
    const SCHEMA: &'static Schema;

    /// The schema of the type as an element of a list or map, where a missing value is `null`.
    #[doc(hidden)]
    const ELEMENT: &'static Schema =
        if Self::OPTIONAL { &Schema::Optional(Self::SCHEMA) } else { Self::SCHEMA };

    /// The schema of the type as a whole argument or result. It differs for bytes only.
    #[doc(hidden)]
    const PAYLOAD: &'static Schema = Self::SCHEMA;

    /// The schema of a list of this type as a whole argument or result. It differs for bytes only.
    #[doc(hidden)]
    const LIST: &'static Schema = &Schema::List(Self::ELEMENT);

    /// Decodes an argument.
    ///
    /// JSON must match the schema: unknown members are refused.
    ///
    /// # Errors
    /// A text that describes the error and fits after the name of the parameter.
    fn decode(argument: &[u8]) -> Result<Self, String> {
        json::read(argument)
    }

    /// Encodes a result. Members of structs that are `None` are left out.
    ///
    /// # Errors
    /// The value has no JSON form, for example a number that is not finite.
    fn encode(&self) -> Result<Vec<u8>> {
        json::write(self)
    }

    /// Decodes a list of this type. It differs for bytes only.
    #[doc(hidden)]
    fn decode_list(argument: &[u8]) -> Result<Vec<Self>, String> {
        json::read(argument)
    }

    /// Encodes a list of this type. It differs for bytes only.
    #[doc(hidden)]
    fn encode_list(list: &[Self]) -> Result<Vec<u8>> {
        json::write(list)
    }
}

/// The result of a transaction function: a [`Result`] of a [`DataType`] and an error that becomes
/// an [`Error`].
#[diagnostic::on_unimplemented(
    message = "a transaction returns a `Result<T>`, where `T` is a `DataType`",
    label = "this is `{Self}`"
)]
pub trait Outcome {
    /// The type on success.
    type Value: DataType;

    /// Returns the payload of the response.
    ///
    /// # Errors
    /// The transaction returned an error, or the value has no JSON form.
    fn into_payload(self) -> Result<Vec<u8>>;
}

impl<T: DataType, E: IntoError> Outcome for Result<T, E> {
    type Value = T;

    fn into_payload(self) -> Result<Vec<u8>> {
        self.map_err(IntoError::into_error)?.encode()
    }
}

/// The error of a transaction function: any type that converts into an [`Error`].
// A separate trait, because only a trait can have its own compiler messages.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a transaction",
    note = "return a `wasmcc_sdk::Error`, such as `Error::not_found(\"no asset a1\")`",
    note = "an error of your own implements `std::error::Error`, or has `impl From<{Self}> for \
            wasmcc_sdk::Error`"
)]
pub trait IntoError {
    /// Returns the error that the client receives.
    fn into_error(self) -> Error;
}

#[diagnostic::do_not_recommend]
impl<E: Into<Error>> IntoError for E {
    fn into_error(self) -> Error {
        self.into()
    }
}

/// Converts the error of a `before` or `after` hook. Called by the code of
/// [`macro@crate::contract`].
#[doc(hidden)]
pub fn hook<E: IntoError>(outcome: Result<(), E>) -> Result<()> {
    outcome.map_err(IntoError::into_error)
}

/// Returns the first characters of an external text, which may be megabytes long.
pub(crate) fn begin_of(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
