//! The page in a real browser, and a developer's complete workflow: `wasmcc dev` with a crate, an
//! application connects, a save, a new answer, a replay, an audit.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use wasmcc_tests::dev::Folder;

use crate::dev::{answers, application, write_crate};

/// Returns the output of a script of `tests/browser`.
pub(crate) fn browser(script: &str, given: &Value) -> Value {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("browser");
    xtask::npm::ensure(&folder).unwrap();
    let mut node = Command::new("node");
    let node = node.arg(script).arg(given.to_string()).current_dir(folder);
    let output = node.stdin(Stdio::null()).output().expect("node is on the path");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_developer_sees_in_the_browser_what_transactions_do() {
    let chromium = xtask::browser::find().unwrap();
    let folder = Folder::new();
    folder.put_guest("asset-transfer-basic", "basic.wasm");
    let crate_of = folder.path("answers");
    write_crate(&crate_of, "\"first\".into()");
    let _dev = folder.dev(&["basic.wasm", "answers"]);
    let applied = application(&folder);
    let given = json!({
        "url": folder.record()["page"],
        "chromium": chromium,
        "screenshots": xtask::root().join("target/screenshots"),
        "source": crate_of.join("src/lib.rs"),
        "edited": answers("\"second\".into()"),
    });
    let seen = browser("page.js", &given);

    assert_eq!(seen["errors"], json!([]), "{seen:#}");
    assert_eq!(seen["writer"], applied["writer"]);
    let calls = ["Call 1 of 2", "Call 2 of 2", "Call 1 of 2"];
    assert_eq!((&seen["replay"], &seen["steps"]), (&json!(1), &json!(calls)));
    assert!(seen["stepped"].as_str().unwrap().contains("put-state"), "{seen:#}");
    assert_eq!(seen["focused"], "step");
    let offered = "With transient data that were offered, not recorded: price (3 bytes).";
    assert_eq!(seen["offered"], offered);
    assert_eq!(seen["read"]["Owner"], "Saptha");
    assert!(seen["refused"].as_str().unwrap().contains("the asset nothing does not exist"));
    assert_eq!(seen["created"], "VALID");
    assert!(seen["creator"].as_str().unwrap().contains("User1@org2.example.com of Org2MSP"));
    assert_eq!(seen["written"]["Owner"], "Ada");
    // Data of a contract are shown as text.
    assert!(seen["key"].as_str().unwrap().contains("<img src=x onerror="), "{seen:#}");
    assert_eq!((&seen["images"], &seen["broken"]), (&json!(1), &Value::Null));
    assert!(seen["added"].to_string().contains("Saptha"), "{seen:#}");
    assert!(seen["removed"].to_string().contains("Tomoko"), "{seen:#}");
    assert_eq!((&seen["before"], &seen["after"]), (&json!("first"), &json!("second")));
    assert!(seen["costs"].as_str().unwrap().contains("answers.Answer"), "{seen:#}");

    assert_eq!((&seen["wide"], &seen["nameless"]), (&json!([]), &json!([])));
    assert_ne!(seen["outline"], "none");
    assert_eq!((&seen["refusals"], &seen["tabs"]), (&json!(-1), &json!(8)));
    assert_eq!(seen["stranger"], json!(["failed", "failed", "failed"]));

    // The same transaction and the whole channel, from the terminal.
    let writer = applied["writer"].as_str().unwrap();
    let component = ["--component", "basic=basic.wasm"];
    let replayed = folder.run(&[&["replay", writer][..], &component].concat()).ok();
    assert!(replayed.out.contains("same: response, event"), "{replayed:?}");
    let audited = folder.run(&[&["audit"][..], &component].concat()).ok();
    assert!(!audited.out.is_empty(), "{audited:?}");
}
