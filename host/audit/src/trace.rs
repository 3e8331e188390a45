//! The calls of guests to their peer.
//!
//! Invariant: a trace is bounded, whatever a guest does. Calls that are not kept are counted.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::reason::Reason;

/// Limit on the calls that a trace keeps.
const MAX_CALLS: usize = 100_000;
/// Limit on the bytes of all values that a trace keeps.
const MAX_BYTES: usize = 64 << 20;
/// Limit on the bytes of one value.
const MAX_VALUE_BYTES: usize = 64 << 10;
/// Limit on the elements of one list.
const MAX_ELEMENTS: usize = 1_000;
/// Limit on the reasons of a trace.
const MAX_REASONS: usize = 100;

/// An argument or an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// No value.
    Nothing,
    /// A name, key or query.
    Text(String),
    /// Bytes; long ones are cut. `length` is the full length.
    Bytes {
        /// The first bytes.
        kept: Vec<u8>,
        /// The number of all bytes.
        length: usize,
    },
    /// Elements; long lists are cut. `length` is the full length.
    List {
        /// The first elements.
        kept: Vec<Value>,
        /// The number of all elements.
        length: usize,
    },
    /// Named parts.
    Parts(Vec<(&'static str, Value)>),
}

impl Value {
    /// A text, cut if it is too long.
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(match text.char_indices().find(|(at, _)| *at >= MAX_VALUE_BYTES) {
            Some((end, _)) => format!("{}...", &text[..end]),
            None => text.to_owned(),
        })
    }

    /// Bytes, cut if there are too many.
    pub(crate) fn bytes(bytes: &[u8]) -> Self {
        let kept = bytes.get(..MAX_VALUE_BYTES).unwrap_or(bytes).to_vec();
        Self::Bytes { kept, length: bytes.len() }
    }

    /// A list, cut if it is too long.
    pub(crate) fn list<T>(items: &[T], value: impl FnMut(&T) -> Self) -> Self {
        let kept = items.iter().take(MAX_ELEMENTS).map(value).collect();
        Self::List { kept, length: items.len() }
    }

    fn size(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Text(text) => text.len(),
            Self::Bytes { kept, .. } => kept.len(),
            Self::List { kept, .. } => kept.iter().map(|value| 32 + value.size()).sum(),
            Self::Parts(parts) => parts.iter().map(|(_, value)| 32 + value.size()).sum(),
        }
    }
}

/// One call of a guest to its peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCall {
    /// The chaincode that called.
    pub chaincode: String,
    /// The number of chaincodes that wait for this one.
    pub depth: u32,
    /// The function, as the WIT package names it.
    pub function: &'static str,
    /// The arguments, by name.
    pub arguments: Vec<(&'static str, Value)>,
    /// The answer, or the text of a refusal. None if the guest was stopped during the call.
    pub answer: Option<Result<Value, String>>,
    /// Units of fuel that this guest had used when the call began.
    pub fuel: u64,
    /// The duration on this machine. For a call of a chaincode it includes everything that
    /// chaincode did.
    pub took: Duration,
}

/// The calls of one transaction, and the information that it got and that no block contains.
#[derive(Debug, Default)]
pub struct Trace {
    /// The calls in the order of their start, those of called chaincodes included.
    pub calls: Vec<HostCall>,
    /// The number of calls that are not kept.
    pub more_calls: u64,
    /// The information that no block contains.
    pub reasons: BTreeSet<Reason>,
    keeps: bool,
    bytes: usize,
    /// The start of each call.
    began: Vec<Instant>,
}

impl Trace {
    /// Makes an empty trace; without `keeps` it records reasons only.
    pub(crate) fn new(keeps: bool) -> Self {
        Self { keeps, ..Self::default() }
    }

    /// True if calls are kept, so that their values have to be copied.
    pub(crate) fn keeps(&self) -> bool {
        self.keeps
    }

    /// Adds a reason why the results may differ.
    pub(crate) fn note(&mut self, reason: Reason) {
        if self.reasons.len() < MAX_REASONS {
            self.reasons.insert(reason);
        }
    }

    /// Records the start of a call and returns its index, if it is kept.
    pub(crate) fn begin(&mut self, call: HostCall) -> Option<usize> {
        let size: usize = call.arguments.iter().map(|(_, value)| value.size()).sum();
        if self.calls.len() >= MAX_CALLS || self.bytes.saturating_add(size) > MAX_BYTES {
            self.more_calls += 1;
            return None;
        }
        self.bytes += size;
        self.calls.push(call);
        self.began.push(Instant::now());
        Some(self.calls.len() - 1)
    }

    /// Records the answer of the call with this index.
    pub(crate) fn end(&mut self, place: usize, answer: Result<Value, String>) {
        let size = match &answer {
            Ok(value) => value.size(),
            Err(text) => text.len(),
        };
        let answer = match self.bytes.saturating_add(size) > MAX_BYTES {
            true => Ok(Value::text("(not kept: the trace is full)")),
            false => answer,
        };
        self.bytes = self.bytes.saturating_add(size).min(MAX_BYTES);
        if let Some(call) = self.calls.get_mut(place) {
            call.answer = Some(answer);
            call.took = self.began.get(place).map_or(Duration::ZERO, Instant::elapsed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(bytes: usize) -> HostCall {
        HostCall {
            chaincode: "cc".into(),
            depth: 0,
            function: "put-state",
            arguments: vec![("value", Value::bytes(&vec![0; bytes]))],
            answer: None,
            fuel: 0,
            took: Duration::ZERO,
        }
    }

    #[test]
    fn a_trace_is_bounded_in_calls_and_bytes_and_counts_the_rest() {
        let mut trace = Trace::new(true);
        let places: Vec<_> = (0..MAX_CALLS + 3).map(|_| trace.begin(call(1))).collect();
        assert_eq!(places.iter().flatten().count(), MAX_CALLS);
        assert_eq!(trace.more_calls, 3);
        let mut trace = Trace::new(true);
        let many = MAX_BYTES / MAX_VALUE_BYTES;
        let kept = (0..many + 2).filter(|_| trace.begin(call(1 << 20)).is_some()).count();
        assert_eq!((kept, trace.more_calls), (many, 2));
        trace.end(0, Ok(Value::bytes(&[1])));
        assert!(
            matches!(&trace.calls[0].answer, Some(Ok(Value::Text(text))) if text.contains("full"))
        );
    }

    #[test]
    fn long_values_are_cut_and_say_so() {
        let Value::Bytes { kept, length } = Value::bytes(&vec![7; MAX_VALUE_BYTES + 1]) else {
            panic!("bytes")
        };
        assert_eq!((kept.len(), length), (MAX_VALUE_BYTES, MAX_VALUE_BYTES + 1));
        let Value::Text(text) = Value::text(&"\u{e9}".repeat(MAX_VALUE_BYTES)) else {
            panic!("text")
        };
        assert!(text.ends_with("...") && text.len() <= MAX_VALUE_BYTES + 4);
        let items = vec![(); MAX_ELEMENTS + 5];
        assert!(matches!(
            Value::list(&items, |()| Value::Nothing),
            Value::List { kept, length } if kept.len() == MAX_ELEMENTS && length == kept.len() + 5
        ));
    }
}
