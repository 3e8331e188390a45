//! Formats a replayed transaction as text and as JSON.

use std::fmt::Write;

use serde_json::{Map, Value as Json, json};

use crate::output;
use wasmcc_audit::{HostCall, Kind, Replayed, Run, Value};
use wasmcc_types::proto::protos::TxValidationCode;

/// Characters shown of a value.
const SHOWN_CHARS: usize = 100;

/// Returns the transaction, its calls and the comparison as text.
pub(crate) fn as_text(replayed: &Replayed) -> String {
    let (block, at) = (replayed.height.block, replayed.height.tx);
    let code = replayed.code.as_str_name();
    let case = &replayed.case;
    let args = case.proposal.input.args.iter().map(|arg| short(&output::text(arg)));
    let args = args.collect::<Vec<_>>().join(" ");
    let mut text = format!(
        "transaction {at} of block {block}: {code}\n  {} {args}\n  endorsed by {}",
        case.chaincode(),
        case.endorsers.join(", "),
    );
    let offered = case.proposal.context.transient.iter();
    let offered = offered.map(|(name, value)| format!("{} ({} bytes)", short(name), value.len()));
    let offered = offered.collect::<Vec<_>>().join(", ");
    if !offered.is_empty() {
        let _ = write!(text, "\nwith transient data that were offered, not recorded: {offered}");
    }
    let Some(run) = &replayed.run else {
        text += "\nnot run: no state has the versions that it read";
        return text;
    };
    let _ = write!(text, "\nran on the state of blocks 0 to {}", run.height.saturating_sub(1));
    if let Some((low, high)) = replayed.heights
        && replayed.code != TxValidationCode::Valid
    {
        let _ = write!(text, "; states of {low} to {high} blocks have the versions that it read");
    }
    text += "\n            fuel  call";
    for call in &run.trace.calls {
        text += &line(call);
    }
    if run.trace.more_calls > 0 {
        let _ = write!(text, "\n                  and {} more calls", run.trace.more_calls);
    }
    text + &comparison(replayed, run)
}

fn comparison(replayed: &Replayed, run: &Run) -> String {
    let mut text = String::new();
    match &run.outcome {
        Ok(outcome) => {
            let (status, fuel, calls) = (outcome.response.status, outcome.fuel, outcome.host_calls);
            let payload = short(&output::text(&outcome.response.payload));
            let _ =
                write!(text, "\nstatus {status}, {fuel} units of fuel, {calls} calls: {payload}");
        }
        Err(failure) => {
            let _ = write!(text, "\nno answer: {}", output::shown(&failure.reason));
        }
    }
    let verdict = match replayed.kind() {
        None => "same: response, event and read-write set are as endorsed",
        Some(Kind::Unknown) => "different from what was endorsed, possibly because",
        Some(_) => "different from what was endorsed",
    };
    text += &format!("\n{verdict}");
    if replayed.kind().is_some() {
        for reason in &run.trace.reasons {
            let _ = write!(text, "\n  {reason}");
        }
    }
    for difference in &replayed.differences {
        let what = output::shown(&difference.what);
        let (endorsed, now) = (output::shown(&difference.endorsed), output::shown(&difference.now));
        let _ = write!(text, "\n  {what}\n    endorsed  {endorsed}\n    now       {now}");
    }
    text
}

fn line(call: &HostCall) -> String {
    let indent = "  ".repeat(call.depth as usize);
    let arguments = call.arguments.iter().map(|(name, value)| format!(" {name}={}", shown(value)));
    let arguments: String = arguments.collect();
    let answer = match &call.answer {
        None => " -> stopped".to_owned(),
        Some(Ok(Value::Nothing)) if call.function.starts_with("put") => String::new(),
        Some(Ok(value)) => format!(" -> {}", shown(value)),
        Some(Err(text)) => format!(" -> refused: {}", short(text)),
    };
    let (chaincode, function) = (&call.chaincode, call.function);
    format!("\n{:>16}  {indent}{chaincode} {function}{arguments}{answer}", call.fuel)
}

fn shown(value: &Value) -> String {
    match value {
        Value::Nothing => "nothing".to_owned(),
        Value::Text(text) => short(&format!("\"{text}\"")),
        Value::Bytes { kept, length } => {
            let cut =
                if kept.len() < *length { format!("... {length} bytes") } else { String::new() };
            short(&output::text(kept)) + &cut
        }
        Value::List { kept, length } => {
            let rows = kept.iter().take(3).map(shown).collect::<Vec<_>>().join(", ");
            let dots = if *length > 3 { format!(", ... {length} in all") } else { String::new() };
            format!("[{rows}{dots}]")
        }
        Value::Parts(parts) => {
            let parts = parts.iter().map(|(name, value)| format!("{name}={}", shown(value)));
            parts.collect::<Vec<_>>().join(" ")
        }
    }
}

/// Returns a text as one line of limited length.
fn short(text: &str) -> String {
    let line = output::shown(text);
    match line.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

/// Returns the replay as JSON.
pub(crate) fn as_json(replayed: &Replayed) -> Json {
    let case = &replayed.case;
    let args: Vec<Json> = case.proposal.input.args.iter().map(|arg| output::bytes(arg)).collect();
    let result = match replayed.kind() {
        None => "same",
        Some(Kind::Unknown) => "unknown",
        Some(Kind::NotRun) => "not_run",
        Some(_) => "differs",
    };
    let run = replayed.run.as_ref();
    let outcome = run.and_then(|run| run.outcome.as_ref().ok());
    let offered = case.proposal.context.transient.iter();
    let offered = offered.map(|(name, value)| (name.clone(), json!(value.len())));
    let reasons = run.into_iter().flat_map(|run| &run.trace.reasons);
    let calls = run.map_or(&[][..], |run| &run.trace.calls);
    json!({
        "tx_id": case.proposal.tx_id(),
        "block": replayed.height.block,
        "transaction": replayed.height.tx,
        "code": replayed.code.as_str_name(),
        "chaincode": case.chaincode(),
        "args": args,
        "endorsers": case.endorsers,
        // The names with the lengths of the values.
        "offered_transient": offered.collect::<Map<_, _>>(),
        "result": result,
        "height": run.map(|run| run.height),
        "fitting_heights": replayed.heights.map(|(low, high)| [low, high]),
        "reasons": reasons.map(ToString::to_string).collect::<Vec<_>>(),
        "differences": replayed.differences,
        "failure": run.and_then(|run| run.outcome.as_ref().err()).map(|failure| &failure.reason),
        "response": outcome.map(|outcome| json!({
            "status": outcome.response.status,
            "message": outcome.response.message,
            "payload": output::bytes(&outcome.response.payload),
        })),
        "fuel": outcome.map(|outcome| outcome.fuel),
        "host_calls": outcome.map(|outcome| outcome.host_calls),
        "calls": calls.iter().map(call_json).collect::<Vec<_>>(),
        "more_calls": run.map_or(0, |run| run.trace.more_calls),
    })
}

fn call_json(call: &HostCall) -> Json {
    let arguments =
        call.arguments.iter().map(|(name, value)| ((*name).to_owned(), value_json(value)));
    let (answer, refusal) = match &call.answer {
        Some(Ok(value)) => (value_json(value), Json::Null),
        Some(Err(text)) => (Json::Null, json!(text)),
        None => (Json::Null, Json::Null),
    };
    json!({
        "chaincode": call.chaincode,
        "depth": call.depth,
        "call": call.function,
        "arguments": arguments.collect::<Map<_, _>>(),
        "answer": answer,
        "refusal": refusal,
        "stopped": call.answer.is_none(),
        "fuel": call.fuel,
        "us": u64::try_from(call.took.as_micros()).unwrap_or(u64::MAX),
    })
}

fn value_json(value: &Value) -> Json {
    match value {
        Value::Nothing => Json::Null,
        Value::Text(text) => json!(text),
        Value::Bytes { kept, length } if kept.len() == *length => output::bytes(kept),
        Value::Bytes { kept, length } => json!({ "first": output::bytes(kept), "bytes": length }),
        Value::List { kept, length } if kept.len() == *length => {
            kept.iter().map(value_json).collect()
        }
        Value::List { kept, length } => {
            json!({ "first": kept.iter().map(value_json).collect::<Json>(), "elements": length })
        }
        Value::Parts(parts) => {
            let parts = parts.iter().map(|(name, value)| ((*name).to_owned(), value_json(value)));
            Json::Object(parts.collect())
        }
    }
}
