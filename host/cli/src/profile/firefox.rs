//! Writes a profile for the Firefox Profiler, in its processed format of the version below. Newer
//! profilers read older versions. A unit of fuel is shown as a microsecond, and as a sample.

use serde_json::{Value, json};

use wasmcc_runtime::{FunctionKind, Profile};

const VERSION: u32 = 62;
/// Category numbers: computation of contracts, and the price of their calls to the peer.
const CONTRACT: usize = 1;
const PEER: usize = 2;

/// Returns the file; `title` names the call.
pub(super) fn file(profile: &Profile, title: &str) -> Value {
    let categories = [("Other", "grey"), ("Contract", "orange"), ("Peer", "blue")];
    let categories = categories
        .map(|(name, color)| json!({ "name": name, "color": color, "subcategories": ["Other"] }));
    json!({
        "meta": {
            "version": 24,
            "preprocessedProfileVersion": VERSION,
            "product": title,
            "interval": 1,
            "startTime": 0,
            "processType": 0,
            "categories": categories,
            "markerSchema": [],
            "pausedRanges": [],
            "extensions": { "length": 0, "baseURL": [], "id": [], "name": [] },
            "sampleUnits": { "time": "ms", "eventDelay": "ms", "threadCPUDelta": "µs" },
            "debug": false,
            "symbolicated": true,
            "sourceCodeIsNotOnSearchfox": true,
            "usesOnlyOneStackType": true,
        },
        "libs": [],
        "pages": [],
        "profilerOverhead": [],
        "counters": [],
        "shared": shared(profile),
        "threads": [thread(profile, title)],
    })
}

/// Returns the tables of functions and stacks. A function has one frame with the same number.
fn shared(profile: &Profile) -> Value {
    let functions = &profile.functions;
    let numbers: Vec<usize> = (0..functions.len()).collect();
    let all = |value: Value| vec![value; functions.len()];
    let category = |kind| if kind == FunctionKind::Import { PEER } else { CONTRACT };
    json!({
        "stringArray": functions.iter().map(|function| &function.name).collect::<Vec<_>>(),
        "funcTable": {
            "length": functions.len(),
            "name": numbers,
            "isJS": all(false.into()),
            "relevantForJS": all(false.into()),
            "resource": all((-1).into()),
            "source": all(Value::Null),
            "lineNumber": all(Value::Null),
            "columnNumber": all(Value::Null),
        },
        "frameTable": {
            "length": functions.len(),
            "func": numbers,
            "category": functions.iter().map(|it| category(it.kind)).collect::<Vec<_>>(),
            "subcategory": all(0.into()),
            "address": all((-1).into()),
            "inlineDepth": all(0.into()),
            "innerWindowID": all(0.into()),
            "nativeSymbol": all(Value::Null),
            "line": all(Value::Null),
            "column": all(Value::Null),
        },
        "stackTable": {
            "length": profile.calls.len(),
            "frame": profile.calls.iter().map(|call| call.function).collect::<Vec<_>>(),
            "prefix": profile.calls.iter().map(|call| call.caller).collect::<Vec<_>>(),
        },
        "resourceTable": { "length": 0, "lib": [], "name": [], "host": [], "type": [] },
        "nativeSymbols": {
            "length": 0, "libIndex": [], "address": [], "name": [], "functionSize": [],
        },
        "sources": {
            "length": 0, "id": [], "filename": [], "startLine": [], "startColumn": [],
            "sourceMapURL": [],
        },
    })
}

/// Returns the steps of the call as samples; without steps, one sample for each stack.
fn thread(profile: &Profile, title: &str) -> Value {
    let stacks = || profile.calls.iter().map(|call| call.fuel).enumerate();
    let steps = match profile.steps.is_empty() {
        true => stacks().filter(|(_, fuel)| *fuel > 0).collect(),
        false => profile.steps.clone(),
    };
    let before = std::iter::once(0).chain(steps.iter().map(|(_, fuel)| *fuel));
    let milliseconds = |units: u64| units as f64 / 1_000.0;
    let deltas: Vec<f64> = before.take(steps.len()).map(milliseconds).collect();
    json!({
        "name": title,
        "processName": title,
        "processType": "default",
        "processStartupTime": 0,
        "processShutdownTime": null,
        "registerTime": 0,
        "unregisterTime": milliseconds(profile.fuel()),
        "isMainThread": true,
        "pausedRanges": [],
        "showMarkersInTimeline": false,
        "pid": "0",
        "tid": "0",
        "samples": {
            "length": steps.len(),
            "stack": steps.iter().map(|(call, _)| call).collect::<Vec<_>>(),
            "timeDeltas": deltas,
            "weight": steps.iter().map(|(_, fuel)| fuel).collect::<Vec<_>>(),
            "weightType": "samples",
        },
        "markers": {
            "length": 0, "category": [], "data": [], "endTime": [], "name": [], "phase": [],
            "startTime": [],
        },
    })
}
