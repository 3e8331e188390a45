//! How values travel as arguments and results: the conventions of Fabric's contract API.
//!
//! Text as it is, numbers, booleans and enums without data as text, bytes as they are, everything
//! else as JSON; no value is an empty payload. What a type's schema says holds for its arguments
//! and its results.
//!
//! Invariant: the same value always becomes the same bytes. Maps without an order are left out for
//! that reason.

mod arguments;
mod containers;
mod json;
mod present;
mod text;

pub use arguments::ToArgument;
pub use text::decode_variant;
pub use text::encode_variant;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Error;
use crate::Result;
use crate::schemas::Schemas;

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
    /// A field of this type may be left out of its struct, and a last argument of its call.
    const OPTIONAL: bool = false;

    /// JSON schema (draft 07) of the type; `null` if there is nothing to describe.
    fn schema(schemas: &mut Schemas) -> Value;

    /// Schema of the type as a whole argument or result. Differs for bytes only.
    #[doc(hidden)]
    fn payload_schema(schemas: &mut Schemas) -> Value {
        Self::schema(schemas)
    }

    /// Schema of the type where it is not referred to by its name.
    #[doc(hidden)]
    fn described(schemas: &mut Schemas) -> Value {
        Self::schema(schemas)
    }

    /// Reads an argument.
    ///
    /// JSON must be what the schema says: members that the type does not have are refused.
    ///
    /// # Errors
    /// What is wrong with it, in words that fit behind the name of the parameter.
    fn decode(argument: &[u8]) -> Result<Self, String> {
        json::read(argument)
    }

    /// Writes a result. Members of structs that are `None` are left out.
    ///
    /// # Errors
    /// A value that has no JSON, such as a number that is not finite.
    fn encode(&self) -> Result<Vec<u8>> {
        json::write(self)
    }

    /// Schema of a list of this type as a whole argument or result. Differs for bytes only.
    #[doc(hidden)]
    fn list_schema(schemas: &mut Schemas) -> Value {
        <Vec<Self> as DataType>::schema(schemas)
    }

    /// Reads a list of this type. Differs for bytes only.
    #[doc(hidden)]
    fn decode_list(argument: &[u8]) -> Result<Vec<Self>, String> {
        json::read(argument)
    }

    /// Writes a list of this type. Differs for bytes only.
    #[doc(hidden)]
    fn encode_list(list: &[Self]) -> Result<Vec<u8>> {
        json::write(list)
    }
}

/// What a transaction function returns: a [`Result`] of a [`DataType`] and an error that becomes an
/// [`Error`].
#[diagnostic::on_unimplemented(
    message = "a transaction returns a `Result<T>`, where `T` is a `DataType`",
    label = "this is `{Self}`"
)]
pub trait Outcome {
    /// What it is on success.
    type Value: DataType;

    /// The payload of the response.
    ///
    /// # Errors
    /// The transaction's own, or a value that has no JSON.
    fn into_payload(self) -> Result<Vec<u8>>;
}

impl<T: DataType, E: Into<Error>> Outcome for Result<T, E> {
    type Value = T;

    fn into_payload(self) -> Result<Vec<u8>> {
        self.map_err(Into::into)?.encode()
    }
}

/// The first characters of a text from outside, which can be megabytes long.
pub(crate) fn begin_of(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
