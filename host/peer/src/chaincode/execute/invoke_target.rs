//! The address of a called chaincode.

use std::sync::Arc;

/// The parsed address in INVOKE_CHAINCODE: `name[:version][/channel]`. The version is
/// ignored, as in Fabric (`core/chaincode/chaincode_support.go`, `ParseName`).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InvokeTarget {
    /// The chaincode.
    pub name: String,
    /// Its channel; the caller's if the address has none.
    pub channel: Arc<str>,
}

impl InvokeTarget {
    /// Parses `address` in a call from `channel`.
    pub(super) fn parse(address: &str, channel: &Arc<str>) -> Self {
        let (name, target) = address.split_once('/').unwrap_or((address, ""));
        let name = name.split_once(':').map_or(name, |(name, _)| name);
        let channel = if target.is_empty() { Arc::clone(channel) } else { target.into() };
        Self { name: name.to_owned(), channel }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_optional_parts() {
        let parse = |address| {
            let target = InvokeTarget::parse(address, &"here".into());
            (target.name, target.channel.to_string())
        };
        assert_eq!(parse("cc"), ("cc".into(), "here".into()));
        assert_eq!(parse("cc:1.0"), ("cc".into(), "here".into()));
        assert_eq!(parse("cc:1.0/there"), ("cc".into(), "there".into()));
        assert_eq!(parse("cc/"), ("cc".into(), "here".into()));
    }
}
