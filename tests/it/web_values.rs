//! The page shows values, keys and times unchanged, and continues after a restart of the program.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wasmcc_tests::dev::{Dev, Folder};
use wasmcc_tests::web::Page;

use crate::web_browser::browser;

/// Keys that look alike, and their distinguishing display.
const KEYS: [(&str, &str); 18] = [
    ("a", "a"),
    ("a / b / c", r"a\u{20}/ b\u{20}/ c"),
    ("s p", "s p"),
    ("s  p", r"s\u{20}\u{20}p"),
    ("s\tp", r"s\u{9}p"),
    ("s\np", r"s\u{a}p"),
    ("s\rp", r"s\u{d}p"),
    ("s\u{a0}p", r"s\u{a0}p"),
    ("s\u{3000}p", r"s\u{3000}p"),
    ("s\u{ad}p", r"s\u{ad}p"),
    ("s\u{202e}p", r"s\u{202e}p"),
    (r"s\u{202e}p", r"s\\u{202e}p"),
    ("sp", "sp"),
    ("sp ", r"sp\u{20}"),
    (" sp", r"\u{20}sp"),
    ("sp\u{e0041}", r"sp\u{e0041}"),
    ("x\0y", r"x\0y"),
    (r"x\0y", r"x\\0y"),
];
/// The attributes of composite keys of the type `a`.
const COMPOSITE: [(&[&str], &str); 3] =
    [(&["b", "c"], "a / b / c"), (&["b / c"], r"a / b\u{20}/ c"), (&[], r"\0a\0")];
const BEFORE: &str = r#"{"z":12345678901234567890,"a":1.10,"a":1e400,"e":{},"t":"\u00e9"}"#;
const AFTER: &str = r#"{"z":12345678901234567891,"a":1.10,"a":1e400,"e":{},"t":"\u00e9"}"#;
const SHOWN: &str = r#"{
  "z": 12345678901234567891,
  "a": 1.10,
  "a": 1e400,
  "e": {},
  "t": "\u00e9"
}"#;

fn call_of(chaincode: &str, args: &[&str]) -> Value {
    json!({
        "channel": "mychannel", "chaincode": chaincode, "org": "Org1MSP", "user": "User1",
        "args": args,
    })
}

#[track_caller]
fn call(page: &Page, verb: &str, args: &[&str]) -> Value {
    let answered = page.post(&format!("/api/{verb}"), &call_of("probe", args));
    assert_eq!(answered.status, 200, "{}", answered.text());
    answered.json()
}

fn with_probe(folder: &Folder) -> (Dev, Page) {
    folder.put_guest("probe", "probe.wasm");
    let dev = folder.dev(&["probe.wasm"]);
    (dev, folder.page())
}

#[track_caller]
fn assert_strings(list: &Value, expected: &[&str]) {
    assert_eq!(list, &json!(expected), "{list:#}");
}

/// Returns a browser's observations of a network with values of all these kinds.
fn seen_in_a_browser(folder: &Folder) -> Value {
    let page = folder.page();
    for (key, _) in KEYS {
        call(&page, "submit", &["put", key, "v"]);
    }
    for (attributes, _) in COMPOSITE {
        call(&page, "submit", &[&["comp", "a"], attributes, &["v"]].concat());
    }
    call(&page, "submit", &["put", "document", BEFORE]);
    call(&page, "submit", &["put", "document", AFTER]);
    call(&page, "submit", &["big", "huge", "3000000"]);
    let tx = call(&page, "submit", &["rmw", "u\u{202e}\\0", "v"]);
    assert_eq!(page.post("/api/evaluate", &call_of("hostile", &["trap"])).status, 422);
    let given = json!({
        "url": folder.record()["page"],
        "chromium": xtask::browser::find().unwrap(),
        "tx": tx["tx_id"],
    });
    browser("values.js", &given)
}

#[test]
fn the_page_shows_what_is_stored_and_goes_on_after_a_restart() {
    let folder = Folder::new();
    folder.put_guest("probe", "probe.wasm");
    folder.put_guest("hostile", "hostile.wasm");
    let _dev = folder.dev(&["probe.wasm", "hostile.wasm"]);
    let seen = seen_in_a_browser(&folder);
    assert_eq!(seen["errors"], json!([]), "{seen:#}");

    assert_eq!(seen["value"], SHOWN);
    assert_eq!(seen["removed"].to_string().matches("12345678901234567890").count(), 1, "{seen:#}");
    assert_eq!(seen["added"].to_string().matches("12345678901234567891").count(), 1, "{seen:#}");

    let shown: BTreeSet<&str> =
        seen["keys"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let own = KEYS.iter().map(|(_, shown)| *shown).chain(COMPOSITE.map(|(_, shown)| shown));
    let all: BTreeSet<&str> = own.chain(["document", "huge", r"u\u{202e}\\0"]).collect();
    assert_eq!(shown, all);
    assert_strings(&seen["steps"], &[r"u\u{202e}\\0", r"u\u{202e}\\0"]);
    assert_eq!(seen["step"], r"u\u{202e}\\0");
    assert_strings(&seen["written"], &[r"u\u{202e}\\0"]);

    let asked = json!([["a / b / c"], ["sp", r"sp\u{20}", r"sp\u{e0041}"], [r"a / b\u{20}/ c"]]);
    assert_eq!(seen["asked"], asked);
    assert_eq!(seen["again"], "#/mychannel/state/probe?prefix=%00a%00b%2C+c%00%00d");
    assert_eq!(seen["attributes"], r#"["b, c","","d"]"#);

    let dates = [
        "10000000000000 seconds since 1970",
        "-10000000000000 seconds since 1970",
        "+033658-09-27 01:46:40",
        "1969-12-31 23:59:59",
        "2017-07-14 02:40:00",
    ];
    assert_strings(&seen["times"], &dates);
    assert_eq!(seen["block"], "+318857-05-20 17:46:40.123");

    let refused = [
        "two transient data have the name \"a\": rename or remove one of them",
        "transient data 2 of 2 have no name: fill it in, or remove them",
        "two transient data have the name \"price\": rename or remove one of them",
    ];
    assert_strings(&seen["transient"], &refused);
    assert_eq!(seen["saved"], json!([3_000_000, 64, 1_280_000]));
    let costs = seen["costs"].as_array().unwrap();
    assert_eq!(costs[1], "1", "{costs:?}");
    assert_eq!(costs[2..6], ["not known"; 4], "{costs:?}");

    assert!(seen["called"].as_str().unwrap().contains("evaluated"), "{seen:#}");
    assert!(seen["users"].to_string().contains("later"), "{seen:#}");
    assert!(seen["log"].as_str().unwrap().contains("the program was started again"), "{seen:#}");
}

#[test]
fn after_a_restart_a_page_gets_what_has_happened_since_from_its_beginning() {
    let folder = Folder::new();
    let (dev, page) = with_probe(&folder);
    let (first, _) = page.follow(None).wait_for(|_| true);
    drop(dev);
    let dev = folder.dev(&["probe.wasm"]);
    let page = folder.page();
    let (again, _) = page.follow(Some(&first)).wait_for(|_| true);
    let number = |id: &str| id.rsplit_once('-').map(|(_, number)| number.to_owned());
    assert_eq!(number(&again), number(&first));
    assert_ne!(again, first);
    let (next, _) = page.follow(Some(&again)).wait_for(|_| true);
    assert_eq!(number(&next).as_deref(), Some("2"));
    drop(dev);
}

#[test]
fn a_payload_that_is_cut_can_be_had_whole_without_another_call() {
    let folder = Folder::new();
    let (_dev, page) = with_probe(&folder);
    call(&page, "submit", &["big", "huge", "3000000"]);
    let read = call(&page, "evaluate", &["get", "huge"]);
    assert_eq!(read["payload"]["bytes"], 3_000_000);
    let whole = |answer: &Value| {
        page.ask(&format!("/api/payload?id={}", answer["payload_id"].as_str().unwrap()))
    };
    let saved = whole(&read);
    assert!(saved.head.contains("attachment"), "{}", saved.head);
    assert_eq!((saved.status, saved.body), (200, vec![b'x'; 3_000_000]));
    let bytes = call(&page, "submit", &["repeat", "40000", "binding"]);
    assert_eq!(whole(&bytes).body.len(), 40_000 * 32);
    let short = call(&page, "evaluate", &["get", "none"]);
    assert_eq!(short["payload_id"], Value::Null);
    assert!(page.refused("/api/payload?id=00", 404).contains("make the call again"));
}
