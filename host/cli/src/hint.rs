//! Hints for errors of a peer.

/// The context of the failed request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked<'a> {
    /// The channel; empty if none.
    pub channel: &'a str,
    /// The chaincode.
    pub chaincode: &'a str,
}

/// Returns the peer's text and, if known, a hint. Peers send texts, not codes, so texts are
/// matched.
pub(crate) fn explain(text: &str, asked: Asked<'_>) -> String {
    let Asked { channel, chaincode } = asked;
    let has = |part: &str| text.contains(part);
    let is_nowhere = [
        "make sure the chaincode",
        "no peers available to evaluate chaincode",
        "No metadata was found for chaincode",
        "required chaincodes are not installed on sufficient peers",
    ];
    let hint = if has("the disk is full") {
        "the peer resumes by itself when its disk has free space".to_owned()
    } else if has("; the channel has no policy ") {
        format!(
            "the definition names it: define {chaincode} again with a policy of the channel, such \
             as /Channel/Application/Endorsement"
        )
    } else if is_nowhere.iter().any(|part| has(part)) {
        format!("deploy it: wasmcc deploy FILE --name {chaincode} -C {channel}")
    } else if has("channel '") && has("' not found") || has("could not get last config") {
        let list = "`wasmcc channels` lists the channels";
        match channel {
            "" => list.to_owned(),
            _ => format!("{list}; wasmcc peer --channel {channel} creates it"),
        }
    } else if has("not an admin") || has("instantiation policy violated") {
        "sign as an admin: --user Admin".to_owned()
    } else if has("access denied") || has("creator org unknown") {
        "is --network the folder that the peer was started with, and --org one of its channel's? \
         Is --msp (CORE_PEER_MSPCONFIGPATH) a folder of that organization?"
            .to_owned()
    } else if has("not agreed to by this org") {
        format!(
            "the organization must approve just this first: wasmcc lifecycle chaincode \
             approveformyorg -C {channel} (checkcommitreadiness --inspect shows what differs)"
        )
    } else if has("new definition must be sequence") {
        format!("wasmcc lifecycle chaincode querycommitted -C {channel} shows the last sequence")
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
        for unknown in [
            "no peers available to evaluate chaincode basic in channel mychannel",
            "no combination of peers can be derived which satisfy the endorsement policy: No \
             metadata was found for chaincode basic in channel mychannel",
            "no combination of peers can be derived which satisfy the endorsement policy: required \
             chaincodes are not installed on sufficient peers",
        ] {
            let explained = explain(unknown, asked);
            assert!(explained.ends_with("wasmcc deploy FILE --name basic -C mychannel"));
        }
        let reference = "No metadata was found for chaincode basic in channel mychannel; the \
                         channel has no policy Endorsement";
        assert!(explain(reference, asked).contains("define basic again with a policy"));
        let sequence = "requested sequence is 1, but new definition must be sequence 2";
        assert!(explain(sequence, asked).contains("chaincode querycommitted -C mychannel"));
        for unknown in ["channel 'x' not found", "could not get last config for channel x"] {
            assert!(explain(unknown, asked).contains("--channel mychannel"));
        }
        let nameless = explain("channel 'x' not found", Asked::default());
        assert!(nameless.ends_with("`wasmcc channels` lists the channels"), "{nameless}");
        let full = "make sure the chaincode x has been successfully defined: the disk is full";
        assert!(explain(full, asked).ends_with("when its disk has free space"));
        assert_eq!(explain("boom", asked), "boom");
    }
}
