//! The secret by which a peer recognizes a chaincode that connects to it.
//!
//! Invariant: the peer gets only the hash.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Result};
use aws_lc_rs::rand;
use serde_json::{Value, json};

use wasmcc_types::{hex, sha256};

/// The fewest bytes of a secret; shorter ones could be guessed.
const SHORTEST: usize = 16;

/// A chaincode's secret; its Debug form hides it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Generates a random secret.
    pub(crate) fn random() -> Result<Self> {
        let mut bytes = [0; 20];
        rand::fill(&mut bytes).context("the system has no randomness")?;
        Ok(Self(hex(&bytes)))
    }

    /// Returns the description that is installed in place of a component.
    pub(crate) fn description(&self) -> Value {
        json!({ "external": true, "secret_sha256": hex(&sha256(self.0.as_bytes())) })
    }

    /// Returns the secret in plain text, for the chaincode's operator.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() >= SHORTEST && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("a secret has at least {SHORTEST} visible ASCII characters"))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_peer::chaincode::Description;

    #[test]
    fn only_the_hash_is_installed() {
        let secret = Secret::random().unwrap();
        assert_ne!(secret, Secret::random().unwrap());
        let description = secret.description().to_string();
        assert!(!description.contains(secret.reveal()) && !format!("{secret:?}").contains("4"));
        let hash = sha256(secret.reveal().as_bytes());
        let installed = Description::parse(description.as_bytes());
        assert_eq!(installed, Ok(Description::Connects(Some(hash))));
        assert!("too short".parse::<Secret>().is_err());
        assert!("0123456789abcdef".parse::<Secret>().is_ok());
    }
}
