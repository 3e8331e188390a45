//! The file with the limits that a package requests.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use wasmcc_runtime::{PackageLimits, carried_bytes};
use wasmcc_types::duration;

/// The name of the file in a `code.tar.gz`, see [`LimitsFile`].
pub const LIMITS_FILE: &str = "limits.json";

/// `limits.json`: limits of a chaincode's transactions that are narrower than those of the peer or
/// service. Missing members mean the default. The file is beside the component of a package of type
/// wasm, or beside the description of a service, which also reads the package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsFile {
    /// Memory of an instance, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u32>,
    /// Units of work of a transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fuel: Option<u64>,
    /// Size of one written value, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_mib: Option<u32>,
    /// Message and payload of a response, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_mib: Option<u32>,
    /// Name and payload of an event, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_mib: Option<u32>,
    /// Data of one call to the peer, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_mib: Option<u32>,
    /// Time limit of a transaction, such as "10s".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
}

/// The reason why the file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{LIMITS_FILE} is not usable: {0}")]
pub struct LimitsFileError(pub InvalidLimits);

/// An error of the limits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLimits {
    /// The file is not JSON, or has an unknown member or a member of another type.
    #[error("{0}")]
    Json(String),
    /// A limit is zero.
    #[error("a limit must be greater than 0")]
    Zero,
    /// The time limit cannot be read, or is zero.
    #[error("timeout '{0}' is not a positive duration, such as 10s or 1m30s")]
    Timeout(String),
}

impl LimitsFile {
    /// Reads the JSON text.
    pub fn parse(json: &[u8]) -> Result<PackageLimits, LimitsFileError> {
        let file = serde_json::from_slice::<Self>(json)
            .map_err(|error| InvalidLimits::Json(error.to_string()));
        file.and_then(|file| file.limits()).map_err(LimitsFileError)
    }

    /// Checks and converts the limits.
    pub fn limits(&self) -> Result<PackageLimits, InvalidLimits> {
        let timeout = match &self.timeout {
            None => None,
            Some(text) => Some(positive(text)?),
        };
        let sizes =
            [self.memory_mib, self.value_mib, self.response_mib, self.event_mib, self.call_mib];
        if sizes.contains(&Some(0)) || self.fuel == Some(0) {
            return Err(InvalidLimits::Zero);
        }
        let bytes = |mib: u32| usize::try_from(mib).unwrap_or(usize::MAX).saturating_mul(1 << 20);
        // The contents of a message cannot be larger than a message.
        let carried = |mib: Option<u32>| mib.map(|mib| carried_bytes(bytes(mib)));
        Ok(PackageLimits {
            memory_bytes: self.memory_mib.map(bytes),
            fuel: self.fuel,
            value_bytes: carried(self.value_mib),
            response_bytes: carried(self.response_mib),
            event_bytes: carried(self.event_mib),
            host_call_bytes: carried(self.call_mib),
            timeout,
        })
    }

    /// Returns true if it has no limit.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn positive(text: &str) -> Result<Duration, InvalidLimits> {
    let time = duration::parse(text).filter(|time| !time.is_zero());
    time.ok_or_else(|| InvalidLimits::Timeout(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_make_no_sense_are_refused() {
        for (json, why) in [
            (r#"{"fuel": 0}"#, "must be greater than 0"),
            (r#"{"memory_mib": 0}"#, "must be greater than 0"),
            (r#"{"event_mib": 0}"#, "must be greater than 0"),
            (r#"{"timeout": "soon"}"#, "'soon' is not a positive duration"),
            (r#"{"timeout": "0s"}"#, "'0s' is not a positive duration"),
            (r#"{"cpu": 1}"#, "unknown field `cpu`"),
            (r#"{"fuel": -1}"#, "invalid value"),
        ] {
            let error = LimitsFile::parse(json.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("limits.json is not usable: "), "{error}");
            assert!(error.contains(why), "{error}");
        }
        assert_eq!(LimitsFile::parse(b"{}"), Ok(PackageLimits::default()));
    }
}
