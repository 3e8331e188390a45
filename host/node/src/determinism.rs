//! Checks that a contract does not depend on conditions that differ between endorsers or hosts.

use std::fmt;
use std::path::Path;

use wasmcc_runtime::{HostCall, SourcePlace, Variation};
use wasmcc_types::{ChaincodeEvent, Response};

/// Characters shown around the first difference of two texts.
const BEFORE: usize = 60;
const AFTER: usize = 160;

/// The first difference between two runs of the same proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The variation of the second run, as a text.
    pub cause: String,
    /// The position of the difference: a numbered call of the peer, the response or the event.
    pub place: String,
    /// The value in the run as on a peer.
    pub first: String,
    /// The value in the other run.
    pub second: String,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cause, place, first, second } = self;
        write!(
            f,
            "the contract is not deterministic: {cause}, {place} differs\n  first: {first}\n  \
             then:  {second}"
        )
    }
}

/// The result of one run.
pub(crate) struct Run {
    /// The contract's calls of its peer, in order.
    pub calls: Vec<HostCall>,
    /// Its response.
    pub response: Response,
    /// The event that it set.
    pub event: Option<ChaincodeEvent>,
}

/// Compares a run with the run as on a peer.
pub(crate) fn compare(variation: Variation, usual: &Run, other: &Run) -> Option<Divergence> {
    let cause = match variation {
        Variation::None => "run again",
        Variation::Random => "with other random numbers, and so another order of hash maps",
        Variation::Clocks => "with other clocks (get-tx-timestamp is the transaction's time)",
        Variation::Memory => {
            "with what an earlier call has left in memory (variables of modules, statics, \
             addresses), which a transaction never finds"
        }
    };
    let differ = |place: String, first: &str, second: &str| {
        let (first, second) = around_difference(first, second);
        Some(Divergence { cause: cause.to_owned(), place, first, second })
    };
    let nothing = || HostCall {
        chaincode: String::new(),
        call: "no further call".into(),
        answer: String::new(),
        function: String::new(),
        source: None,
    };
    for number in 0..usual.calls.len().max(other.calls.len()) {
        let [first, second] =
            [usual, other].map(|run| run.calls.get(number).cloned().unwrap_or_else(nothing));
        let text = |call: &HostCall| format!("{} -> {}", call.call, call.answer);
        if first.chaincode != second.chaincode || text(&first) != text(&second) {
            let by = if first.chaincode.is_empty() { &second } else { &first };
            let inside = match by.function.as_str() {
                "" => String::new(),
                function => format!(" in {function}{}", line(by)),
            };
            let place = format!("call {} of the peer, by {}{inside},", number + 1, by.chaincode);
            return differ(place, &text(&first), &text(&second));
        }
    }
    let response = |run: &Run| {
        let response = &run.response;
        let payload = String::from_utf8_lossy(&response.payload).into_owned();
        format!("status {} {:?} {payload:?}", response.status, response.message)
    };
    let event = |run: &Run| {
        run.event.as_ref().map_or("no event".to_owned(), |event| {
            format!("{:?} {:?}", event.name, String::from_utf8_lossy(&event.payload))
        })
    };
    if usual.response != other.response {
        return differ("the response".into(), &response(usual), &response(other));
    }
    if usual.event != other.event {
        return differ("the event".into(), &event(usual), &event(other));
    }
    None
}

/// Returns the line of a call in its source, relative to the current folder if it is below it.
fn line(call: &HostCall) -> String {
    let Some(line) = call.source.as_ref().and_then(SourcePlace::line) else {
        return String::new();
    };
    let here = std::env::current_dir().ok();
    let below = here.and_then(|here| Path::new(&line).strip_prefix(here).ok());
    format!(" ({})", below.unwrap_or(Path::new(&line)).display())
}

/// Returns both texts, cut to the surroundings of their first difference.
fn around_difference(first: &str, second: &str) -> (String, String) {
    let same = first.chars().zip(second.chars()).take_while(|(one, two)| one == two).count();
    let cut = |text: &str| {
        let skipped = same.saturating_sub(BEFORE);
        let head: String = match skipped > BEFORE {
            true => text.chars().take(BEFORE).chain(" ... ".chars()).collect(),
            false => text.chars().take(skipped).collect(),
        };
        let mut rest = text.chars().skip(skipped);
        let shown: String = rest.by_ref().take(BEFORE + AFTER).collect();
        let tail = if rest.next().is_some() { " ..." } else { "" };
        format!("{head}{shown}{tail}")
    };
    (cut(first), cut(second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_around_the_difference() {
        let (first, second) = around_difference("short", "shorn");
        assert_eq!((first.as_str(), second.as_str()), ("short", "shorn"));
        let long = |end: &str| format!("put-state {}{end}{}", "x".repeat(5_000), "y".repeat(5_000));
        let (first, second) = around_difference(&long("1"), &long("2"));
        assert!(first.starts_with("put-state x") && first.contains("x1y"), "{first}");
        assert!(second.contains("x2y") && second.ends_with(" ..."), "{second}");
        assert!(first.len() < 400);
    }
}
