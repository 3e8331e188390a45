//! A transaction in one line, and the details that `-v` adds.

use std::time::Duration;

use prost::Message;
use serde::Serialize;
use serde_json::Value;
use x509_parser::pem::Pem;

use crate::output;
use wasmcc_peer::endorser::UnpackedProposal;
use wasmcc_types::SYSTEM_CHAINCODES;
use wasmcc_types::proto::msp::SerializedIdentity;

/// Characters shown of a value, an argument or a name.
const SHOWN: usize = 200;

/// The known facts about a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct TxLine {
    pub(crate) channel: String,
    pub(crate) chaincode: String,
    pub(crate) function: String,
    /// The creator's common name.
    pub(crate) creator: String,
    pub(crate) verdict: String,
    pub(crate) fuel: u64,
    pub(crate) block: Option<u64>,
    pub(crate) tx_id: String,
    pub(crate) reason: Option<String>,
}

impl TxLine {
    /// Reads a proposal.
    pub(crate) fn of_proposal(proposal: &UnpackedProposal) -> Self {
        Self {
            channel: proposal.channel_id().to_owned(),
            chaincode: proposal.chaincode_id.name.clone(),
            function: proposal.input.args.first().map(|arg| output::text(arg)).unwrap_or_default(),
            creator: creator(&proposal.signature_header.creator),
            tx_id: proposal.tx_id().to_owned(),
            ..Self::default()
        }
    }

    /// Reads a transaction of a block in the form of `wasmcc block`.
    pub(crate) fn of_block(transaction: &Value, block: u64) -> Self {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let creator = &transaction["creator"];
        let name = match creator["name"].as_str() {
            Some(name) => name.to_owned(),
            None => text(&creator["msp_id"]),
        };
        let kind = transaction["type"].as_str().unwrap_or_default();
        let (chaincode, function) = match transaction["chaincode"]["name"].as_str() {
            Some(chaincode) => (chaincode.to_owned(), text(&transaction["input"][0])),
            None => (kind.to_lowercase(), String::new()),
        };
        Self {
            // Set by the caller.
            channel: String::new(),
            chaincode,
            function,
            creator: name,
            verdict: text(&transaction["validation"]),
            fuel: 0,
            block: Some(block),
            tx_id: text(&transaction["tx_id"]),
            reason: None,
        }
    }

    /// True if a system chaincode was called.
    pub(crate) fn is_system(&self) -> bool {
        SYSTEM_CHAINCODES.contains(&self.chaincode.as_str())
    }

    /// Returns the line; `elapsed` is the time since the first proposal, if this peer has seen it.
    pub(super) fn text(&self, elapsed: Option<Duration>) -> String {
        let Self { chaincode, function, creator, verdict, fuel, block, tx_id, reason, .. } = self;
        let called = match function.is_empty() {
            true => chaincode.clone(),
            false => format!("{chaincode}.{function}"),
        };
        let mut line = format!("{}  {}  {verdict}", cut(&called), cut(creator));
        if *fuel > 0 {
            line.push_str(&format!("  fuel {}", grouped(*fuel)));
        }
        if let Some(elapsed) = elapsed {
            line.push_str(&format!("  {:.1} ms", elapsed.as_secs_f64() * 1e3));
        }
        if let Some(block) = block {
            line.push_str(&format!("  block {block}"));
        }
        line.push_str(&format!("  tx {}", cut(tx_id)));
        if let Some(reason) = reason {
            line.push_str(&format!("  {reason}"));
        }
        output::shown(&line)
    }
}

/// Returns reads, writes and events of a transaction, a line each.
pub(super) fn details(transaction: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| match value {
        Value::String(text) => cut(text),
        other => cut(&other.to_string()),
    };
    for set in list(&transaction["rwset"]) {
        let of = text(&set["namespace"]);
        for read in list(&set["reads"]) {
            let version = read["version"].as_str().unwrap_or("no version");
            lines.push(format!("  read   {of} {} at {version}", text(&read["key"])));
        }
        for range in list(&set["ranges"]) {
            let (start, end) = (text(&range["start"]), text(&range["end"]));
            let rows = list(&range["reads"]).len();
            lines.push(format!("  range  {of} from {start:?} to {end:?}, {rows} rows"));
        }
        for write in list(&set["writes"]) {
            let key = text(&write["key"]);
            lines.push(match write["deleted"].as_bool() {
                Some(true) => format!("  delete {of} {key}"),
                _ => format!("  write  {of} {key} = {}", text(&write["value"])),
            });
        }
        for write in list(&set["metadata_writes"]) {
            lines.push(format!("  meta   {of} {}", text(&write["key"])));
        }
        for collection in list(&set["private_collections"]) {
            lines.push(format!("  hashes {of} of collection {}", text(&collection)));
        }
    }
    let event = &transaction["event"];
    if !event.is_null() {
        lines.push(format!("  event  {} = {}", text(&event["name"]), text(&event["payload"])));
    }
    lines.iter().map(|line| output::shown(line)).collect()
}

/// Returns the common name of a creator, or else its MSP id.
fn creator(bytes: &[u8]) -> String {
    let Ok(identity) = SerializedIdentity::decode(bytes) else { return "?".into() };
    let pem = Pem::iter_from_buffer(&identity.id_bytes).next().and_then(Result::ok);
    let certificate = pem.as_ref().and_then(|pem| pem.parse_x509().ok());
    let name = certificate.as_ref().and_then(|certificate| {
        let name = certificate.subject().iter_common_name().next()?;
        name.as_str().ok().map(str::to_owned)
    });
    name.unwrap_or(identity.mspid)
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// Writes a number with its digits in groups of three.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_has_function_creator_verdict_fuel_and_time() {
        let transaction = json!({
            "tx_id": "ab12", "validation": "MVCC_READ_CONFLICT", "type": "ENDORSER_TRANSACTION",
            "creator": { "msp_id": "Org1MSP", "name": "User1@org1.example.com" },
            "chaincode": { "name": "basic" }, "input": ["Transfer\u{1b}[2J\u{202e}", "a1"],
        });
        let mut line = TxLine::of_block(&transaction, 7);
        line.fuel = 1_234_567;
        line.reason = Some("key \"a1\" was written by transaction cd34".into());
        let elapsed = Some(Duration::from_micros(4_560));
        let expected = "basic.Transfer\\u{1b}[2J\\u{202e}  User1@org1.example.com  \
                        MVCC_READ_CONFLICT  fuel 1,234,567  4.6 ms  block 7  tx ab12  key \"a1\" \
                        was written by transaction cd34";
        assert_eq!(line.text(elapsed), expected);
    }

    #[test]
    fn details_show_what_was_read_and_written() {
        let transaction = json!({
            "rwset": [{
                "namespace": "basic",
                "reads": [{ "key": "a1", "version": "5:0" }, { "key": "a2", "version": null }],
                "writes": [
                    { "key": "a1", "value": "{\"n\":1}" }, { "key": "a3", "deleted": true },
                    { "key": "a4", "value": { "hex": "ff" } },
                ],
            }],
            "event": { "name": "moved", "payload": "x".repeat(300) },
        });
        let lines = details(&transaction);
        let cut = format!("  event  moved = {}...", "x".repeat(200));
        let expected = [
            "  read   basic a1 at 5:0",
            "  read   basic a2 at no version",
            "  write  basic a1 = {\"n\":1}",
            "  delete basic a3",
            "  write  basic a4 = {\"hex\":\"ff\"}",
            &cut,
        ];
        assert_eq!(lines, expected);
        assert!(details(&Value::Null).is_empty());
    }
}
