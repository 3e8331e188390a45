//! JSON that matches a type's schema, in both directions.
//!
//! serde alone accepts more than a schema: unknown members, an array in place of a struct, a number
//! that fits only a larger float. It also writes `null` for an optional member that is None, which
//! the schema does not allow. Go's contract API validates arguments and results against the schema
//! (serializer/json_transaction_serializer.go, `validateAgainstSchema`).

use serde::Serialize;

use crate::data_type::DataType;
use crate::data_type::present::Present;
use crate::{Result, read_json};

/// Decodes a value and checks it against its schema.
pub(super) fn read<T: DataType>(argument: &[u8]) -> Result<T, String> {
    let read = read_json::from_slice(argument).map_err(|error| error.to_string())?;
    if T::SCHEMA.says_more_than_types() {
        T::SCHEMA.check(argument)?;
    }
    Ok(read)
}

/// Encodes a value without members that are None.
pub(super) fn write<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    encode::<_, false>(value)
}

/// Encodes a value for the ledger with all members, as serde_json alone would.
pub(crate) fn state<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    encode::<_, true>(value)
}

/// Fails for a number that is not finite; serde_json alone would write `null`.
fn encode<T: Serialize + ?Sized, const NULLS: bool>(value: &T) -> Result<Vec<u8>> {
    let mut json = Vec::new();
    value.serialize(Present::<_, NULLS>(&mut serde_json::Serializer::new(&mut json)))?;
    Ok(json)
}
