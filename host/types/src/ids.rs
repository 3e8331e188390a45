//! Untrusted names that become keys, paths and log fields.

use std::sync::Arc;

/// Maximum length of a channel's name in bytes.
const CHANNEL_ID_BYTES: usize = 249;

/// A name that breaks the rule of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} '{value}' is not valid: {rule}")]
pub struct InvalidId {
    kind: &'static str,
    value: Box<str>,
    rule: &'static str,
    is_long: bool,
}

impl InvalidId {
    /// Returns Fabric's text for an invalid channel name (`common/configtx/validator.go`,
    /// `ValidateChannelID`).
    pub fn of_channel(&self) -> String {
        match (self.value.is_empty(), self.is_long) {
            (true, _) => "channel ID illegal, cannot be empty".to_owned(),
            (_, true) => format!("channel ID illegal, cannot be longer than {CHANNEL_ID_BYTES}"),
            _ => format!("'{}' contains illegal characters", self.value),
        }
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Returns the name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::ops::Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

id!(
    /// A channel's name: `[a-z][a-z0-9.-]*`, at most 249 characters.
    ChannelId
);
id!(
    /// A chaincode's name, which is also its namespace in the ledger: letters and digits, with
    /// single `-` or `_` between them.
    ChaincodeName
);
id!(
    /// A transaction id: 64 lower-case hexadecimal digits, if a client made it. Ledgers accept any
    /// text that is not empty.
    TxId
);

impl ChannelId {
    /// Parses an untrusted channel name.
    pub fn parse(value: &str) -> Result<Self, InvalidId> {
        let rest = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'.' || c == b'-';
        let bytes = value.as_bytes();
        let is_long = bytes.len() > CHANNEL_ID_BYTES;
        let valid = !is_long
            && bytes.first().is_some_and(u8::is_ascii_lowercase)
            && bytes.iter().all(|&c| rest(c));
        let rule = "it must match [a-z][a-z0-9.-]* and have at most 249 characters";
        if valid {
            Ok(Self(value.into()))
        } else {
            Err(InvalidId { kind: "channel ID", value: shorten(value), rule, is_long })
        }
    }
}

impl ChaincodeName {
    /// Parses an untrusted chaincode name.
    pub fn parse(value: &str) -> Result<Self, InvalidId> {
        let words =
            |word: &str| !word.is_empty() && word.bytes().all(|c| c.is_ascii_alphanumeric());
        let rule = "it must match [a-zA-Z0-9]+([-_][a-zA-Z0-9]+)* and have at most 249 characters";
        let is_long = value.len() > 249;
        if !is_long && value.split(['-', '_']).all(words) {
            Ok(Self(value.into()))
        } else {
            Err(InvalidId { kind: "chaincode name", value: shorten(value), rule, is_long })
        }
    }
}

impl TxId {
    /// Parses an untrusted transaction id.
    pub fn parse(value: &str) -> Result<Self, InvalidId> {
        let is_long = value.len() > 1024;
        if value.is_empty() || is_long {
            let rule = "it must not be empty or longer than 1024 bytes";
            let (kind, value) = ("transaction ID", shorten(value));
            return Err(InvalidId { kind, value, rule, is_long });
        }
        Ok(Self(value.into()))
    }

    /// Returns the first eight characters, for logs.
    pub fn short(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }
}

/// Shortens a refused value for an error text.
fn shorten(value: &str) -> Box<str> {
    match value.char_indices().nth(64) {
        Some((at, _)) => format!("{}…", &value[..at]).into(),
        None => value.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channel_names_follow_fabric() {
        for good in ["a", "mychannel", "my.channel-2"] {
            assert_eq!(ChannelId::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "1ch", "My", "ch_1", "-a", &"a".repeat(250)] {
            assert!(ChannelId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn fabric_has_words_for_what_is_no_channel() {
        for (value, text) in [
            ("", "channel ID illegal, cannot be empty"),
            (&*"a".repeat(250), "channel ID illegal, cannot be longer than 249"),
            ("C29", "'C29' contains illegal characters"),
        ] {
            assert_eq!(ChannelId::parse(value).unwrap_err().of_channel(), text);
        }
    }

    #[test]
    fn chaincode_names_follow_fabric() {
        for good in ["basic", "asset-transfer_2", "A1"] {
            assert!(ChaincodeName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a--b", "-a", "a_", "a.b", "a/b", "a b", "é"] {
            assert!(ChaincodeName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn refused_names_are_quoted_in_short() {
        let error = ChannelId::parse(&"é".repeat(300)).unwrap_err().to_string();
        assert!(error.len() < 300, "{error}");
    }
}
