//! `wasmcc events`: prints the events of chaincodes.
//!
//! Does not remember what it has printed: `--from` selects the first block.

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use tokio_stream::StreamExt;
use tonic::{Request, Streaming};

use crate::ordering::{explained, seek_envelope};
use crate::session::{MESSAGE_BYTES, Session};
use crate::target::Target;
use crate::{block_json, output};
use wasmcc_client::gateway::chaincode_events_request;
use wasmcc_types::proto::gateway::ChaincodeEventsResponse;
use wasmcc_types::proto::orderer::seek_position::Type as Position;
use wasmcc_types::proto::orderer::{SeekInfo, SeekNextCommit, SeekPosition, SeekSpecified};
use wasmcc_types::proto::protos::deliver_client::DeliverClient;
use wasmcc_types::proto::protos::deliver_response::Type;
use wasmcc_types::proto::protos::{DeliverResponse, TxValidationCode};

const EXAMPLES: &str = "\
Examples:
  wasmcc events
  wasmcc events -n basic --from 0 --json | jq .payload
  wasmcc events -n basic --from 0 --count 10

It prints the events of valid transactions, in the order of the ledger, until Ctrl-C or until the
reader of its output has gone, as after `| head -1`.";

/// Show the events of chaincodes as they are committed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Events {
    /// The channel.
    #[arg(short = 'C', long, visible_alias = "channelID", env = "WASMCC_CHANNEL")]
    #[arg(default_value = "mychannel", value_name = "CHANNEL")]
    channel: String,
    /// The chaincode [default: all].
    #[arg(short, long, value_name = "NAME")]
    name: Option<String>,
    /// Begin with this block [default: the next one].
    #[arg(long, value_name = "BLOCK")]
    from: Option<u64>,
    /// End after this number of events.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Print each event as a JSON object in one line.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    target: Target,
}

/// The source of events.
enum Feed {
    OfOne(Streaming<ChaincodeEventsResponse>),
    OfAll(Streaming<DeliverResponse>),
}

impl Events {
    /// Prints events until the count is reached or the output is closed.
    pub(crate) async fn run(self) -> Result<()> {
        let session = Session::open(&self.target, "User1").await?;
        let mut feed = self.listen(&session).await?;
        let mut left = self.count.unwrap_or(u64::MAX);
        while left > 0 {
            let events = tokio::select! {
                biased;
                () = output::unread() => return Ok(()),
                events = feed.next(&self, &session) => events?,
            };
            for event in events {
                if left > 0 {
                    self.print(&event)?;
                    left -= 1;
                }
            }
        }
        Ok(())
    }

    async fn listen(&self, session: &Session) -> Result<Feed> {
        let start = match self.from {
            Some(number) => Position::Specified(SeekSpecified { number }),
            None => Position::NextCommit(SeekNextCommit {}),
        };
        let start = Some(SeekPosition { r#type: Some(start) });
        if let Some(name) = &self.name {
            let signer = session.signer();
            let asked = chaincode_events_request(&self.channel, name, start, signer);
            return Ok(Feed::OfOne(session.chaincode_events(asked).await?));
        }
        let stop = Position::Specified(SeekSpecified { number: u64::MAX });
        let stop = Some(SeekPosition { r#type: Some(stop) });
        let info = SeekInfo { start, stop, ..SeekInfo::default() };
        let asked = seek_envelope(session, &self.channel, &info)?;
        let mut peer =
            DeliverClient::new(session.connection()).max_decoding_message_size(MESSAGE_BYTES);
        // The peer would take the end of this stream for a client that has gone.
        let requests = tokio_stream::once(asked).chain(tokio_stream::pending());
        let answered = peer.deliver(Request::new(requests)).await;
        let blocks = answered.map_err(|status| session.broken(&status))?;
        Ok(Feed::OfAll(blocks.into_inner()))
    }

    /// Returns why the peer has ended the stream of blocks with this status.
    async fn no_blocks(&self, session: &Session, status: i32) -> anyhow::Error {
        let channel = self.channel.as_str();
        match (self.from, session.height(channel).await) {
            (Some(from), Ok(height)) if from > height => anyhow!(
                "the newest block of the channel {channel} is {}, and --from asks to begin with \
                 block {from}: give at most {height}, which is the next one, or leave --from out",
                height.saturating_sub(1)
            ),
            _ => anyhow!(
                "the peer sends no blocks of the channel {channel} to {}: {}; -C names another \
                 channel, --org another organization",
                session.signer().msp_id(),
                explained(status)
            ),
        }
    }

    fn print(&self, event: &Value) -> Result<()> {
        if self.json {
            return output::line(&output::escaped_json(&event.to_string()));
        }
        let text = |name: &str| match &event[name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let (tx_id, payload) = (text("tx_id"), text("payload"));
        let tx_id = tx_id.get(..8).unwrap_or(&tx_id);
        let (block, chaincode, name) = (text("block"), text("chaincode"), text("name"));
        let line = format!("block {block}  tx {tx_id}  {chaincode}.{name}  {payload}");
        output::line(&output::shown(&line))
    }
}

impl Feed {
    /// Returns the events of the next block; empty if it has none.
    async fn next(&mut self, asked: &Events, session: &Session) -> Result<Vec<Value>> {
        let broken = |status| session.broken(&status);
        match self {
            Self::OfOne(events) => {
                let answer = events.message().await.map_err(broken)?;
                let answer = answer.context("the peer has ended the stream of events")?;
                let block = answer.block_number;
                let events = answer.events.into_iter().map(|event| {
                    json!({
                        "block": block,
                        "tx_id": event.tx_id,
                        "chaincode": event.chaincode_id,
                        "name": event.event_name,
                        "payload": output::bytes(&event.payload),
                    })
                });
                Ok(events.collect())
            }
            Self::OfAll(blocks) => {
                let answer = blocks.message().await.map_err(broken)?;
                match answer.and_then(|answer| answer.r#type) {
                    Some(Type::Block(block)) => {
                        let shown = serde_json::to_value(block_json::Block::new(&block))?;
                        Ok(events_of(&shown))
                    }
                    Some(Type::Status(status)) => Err(asked.no_blocks(session, status).await),
                    _ => bail!("the peer has ended the stream of blocks"),
                }
            }
        }
    }
}

/// Returns the events of the valid transactions of a block in the form of `wasmcc block`.
fn events_of(block: &Value) -> Vec<Value> {
    let transactions = block["transactions"].as_array().into_iter().flatten();
    let valid = TxValidationCode::Valid.as_str_name();
    let announced = transactions.filter(|transaction| {
        transaction["validation"] == valid && transaction["event"].is_object()
    });
    let event = |transaction: &Value| {
        json!({
            "block": block["number"],
            "tx_id": transaction["tx_id"],
            "chaincode": transaction["chaincode"]["name"],
            "name": transaction["event"]["name"],
            "payload": transaction["event"]["payload"],
        })
    };
    announced.map(event).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_those_of_valid_transactions() {
        let transaction = |validation: &str, event: Value| {
            let chaincode = json!({ "name": "basic" });
            json!({
                "tx_id": "ab", "validation": validation, "chaincode": chaincode, "event": event,
            })
        };
        let event = json!({ "name": "moved", "payload": "x" });
        let block = json!({ "number": 7, "transactions": [
            transaction("VALID", event.clone()),
            transaction("MVCC_READ_CONFLICT", event),
            transaction("VALID", Value::Null),
        ] });
        let found = events_of(&block);
        let expected = json!({
            "block": 7, "tx_id": "ab", "chaincode": "basic", "name": "moved", "payload": "x",
        });
        assert_eq!(found, [expected]);
        assert!(events_of(&json!({})).is_empty());
    }
}
