//! What to do about an error of a peer.

/// What was asked of whom.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// The channel; empty if none.
    pub channel: &'a str,
    /// The chaincode.
    pub chaincode: &'a str,
}

/// The peer's text and, where one is known, the way out. Peers send texts, not codes, so texts are
/// what is told apart here.
pub fn explain(text: &str, asked: Asked<'_>) -> String {
    let Asked { channel, chaincode } = asked;
    let has = |part: &str| text.contains(part);
    let hint = if has("make sure the chaincode") {
        format!("deploy it: wasmcc deploy FILE --name {chaincode} -C {channel}")
    } else if has("channel '") && has("' not found") {
        format!("`wasmcc channels` lists the channels; wasmcc peer --channel {channel} creates it")
    } else if has("not an admin") || has("instantiation policy violated") {
        "sign as an admin: --user Admin".to_owned()
    } else if has("access denied") || has("creator org unknown") {
        "is --network the folder that the peer was started with, and --org one of its channel's?"
            .to_owned()
    } else if has("timeout expired while executing") {
        "give transactions more time: wasmcc peer --execute-timeout".to_owned()
    } else {
        return text.to_owned();
    };
    format!("{text}\n  hint: {hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_errors_come_with_a_way_out() {
        let asked = Asked { channel: "mychannel", chaincode: "basic" };
        let unknown = "make sure the chaincode basic has been successfully defined";
        let explained = explain(unknown, asked);
        assert!(explained.starts_with(unknown));
        assert!(explained.ends_with("wasmcc deploy FILE --name basic -C mychannel"));
        assert!(explain("channel 'x' not found", asked).contains("--channel mychannel"));
        assert_eq!(explain("boom", asked), "boom");
    }
}
