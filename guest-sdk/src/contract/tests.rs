//! Tests of contracts: routing, arguments, hooks, errors and metadata.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::*;
use crate::testing::MockLedger;
use crate::{args, contract};

/// Something to build with.
#[derive(DataType, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    /// Counted
    /// from one.
    part_no: u32,
    #[serde(default)]
    made_in: String,
    sub_parts: Vec<Part>,
    kind: Option<Kind>,
}

#[derive(DataType, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Kind {
    Screw,
    Nut,
}

/// An author's own error.
enum Broken {
    Beyond(u32),
}

impl From<Broken> for Error {
    fn from(Broken::Beyond(limit): Broken) -> Self {
        Self::new(422, format!("beyond {limit}"))
    }
}

struct Parts;

/// Keeps parts.
#[contract(name = "Parts", version = "2.1.0")]
impl Parts {
    /// Adds one part.
    #[transaction]
    fn add_part(&self, ctx: &Context, part: Part, tags: BTreeMap<String, bool>) -> Result<u32> {
        ctx.put(&part.part_no.to_string(), &part)?;
        Ok(part.part_no + tags.len() as u32)
    }

    #[transaction(evaluate)]
    fn echo(&self, _ctx: &Context, text: &str, bytes: &[u8], _flag: bool) -> Result<Vec<u8>> {
        Ok([text.as_bytes(), bytes].concat())
    }

    #[transaction(evaluate)]
    fn find(
        &self,
        _ctx: &Context,
        kind: Kind,
        /// How many at most.
        _limit: Option<u32>,
        _after: Option<String>,
    ) -> Result<Option<Kind>> {
        Ok(_limit.map(|_| kind))
    }

    #[transaction(evaluate, name = "check")]
    fn check_it(&self, _ctx: &Context, number: u32) -> Result<(), Broken> {
        if number > 10 { Err(Broken::Beyond(10)) } else { Ok(()) }
    }

    #[before]
    fn note(&self, ctx: &Context) -> Result<()> {
        ctx.set_event("before", ctx.get_function_and_parameters().0.as_bytes())
    }

    #[cfg(any())]
    #[after]
    fn of_another_build(&self, ctx: &Context, payload: &[u8]) -> Result<()> {
        ctx.set_event("after", payload)
    }
}

struct Hooks;

#[contract]
impl Hooks {
    #[transaction]
    fn run(&self, _ctx: &Context) -> Result<String> {
        Ok("ran".to_owned())
    }

    #[before]
    fn only_org1(&self, ctx: &Context) -> Result<()> {
        crate::ensure!(ctx.client_identity()?.msp_id() == "Org1MSP", 403, "not for you");
        Ok(())
    }

    #[after]
    fn report(&self, ctx: &Context, payload: &[u8]) -> Result<()> {
        crate::ensure!(payload != b"secret", 500, "not to be told");
        ctx.set_event("after", payload)
    }

    #[unknown]
    fn guess(&self, ctx: &Context) -> Result<String> {
        Ok(ctx.get_function_and_parameters().0)
    }
}

fn ledger() -> MockLedger {
    MockLedger::new(vec![&Parts, &Hooks])
}

fn refused(function: &str, args: Vec<Vec<u8>>) -> (i32, String) {
    let error = ledger().submit(function, args).unwrap_err();
    (error.status(), error.message().to_owned())
}

#[test]
fn a_function_is_found_in_both_spellings_with_and_without_its_contract() {
    for function in ["Echo", "echo", "Parts:Echo", "Parts:echo"] {
        let answer = ledger().submit(function, args!["a", b"\xff", true]).unwrap();
        assert_eq!(answer.payload, b"a\xff", "{function}");
    }
    assert_eq!(ledger().submit("Hooks:run", args![]).unwrap().text(), "ran");
    assert!(ledger().submit("Check", args![1]).is_ok());
    assert!(ledger().submit("check", args![1]).is_ok());
}

#[test]
fn what_does_not_exist_is_said_in_fabrics_words() {
    let said = |status: i32, words: &str| (status, words.to_owned());
    assert_eq!(
        refused("nothing", args![]),
        said(500, "Function nothing not found in contract Parts")
    );
    assert_eq!(refused("No:Echo", args![]), said(500, "Contract not found with name No"));
    assert_eq!(refused("a:b:Echo", args![]), said(500, "Contract not found with name a:b"));
    assert_eq!(refused(":Echo", args![]), said(500, "Contract not found with name "));
    assert_eq!(refused("", args![]), said(500, "Blank function name passed"));
    assert_eq!(refused("Parts:", args![]), said(500, "Blank function name passed"));
    assert_eq!(refused("add_part", args![]).0, 500);
}

#[test]
fn a_wrong_argument_is_said_by_its_name() {
    let (status, words) = refused("check", args!["five"]);
    assert_eq!((status, words.as_str()), (400, "parameter number: \"five\" is not a u32"));
    let (status, words) = refused("Echo", args!["a"]);
    let expected = "incorrect number of params. Expected 3, received 1: parameter bytes is missing";
    assert_eq!((status, words.as_str()), (400, expected));
    let (_, words) = refused("AddPart", args!["{}", "{}"]);
    assert!(words.starts_with("parameter part: missing field `partNo`"), "{words}");
    // The number of arguments is checked before any argument is read, as in Go.
    let (_, words) = refused("AddPart", args!["{"]);
    assert!(words.ends_with("parameter tags is missing"), "{words}");
    let (_, words) = refused("AddPart", args![vec![b'x'; 1 << 20], "{}"]);
    assert!(words.len() < 300, "{words}");
    // Surplus arguments are ignored, as in Go.
    assert!(ledger().submit("check", args![1, 2, 3]).is_ok());
}

#[test]
fn options_at_the_end_may_be_left_out() {
    let find = |args| ledger().evaluate("Find", args).unwrap().text();
    assert_eq!(find(args!["NUT"]), "");
    assert_eq!(find(args!["NUT", ""]), "");
    assert_eq!(find(args!["NUT", 3]), "NUT");
    assert_eq!(find(args!["NUT", 3, "x", "y"]), "NUT");
    let (_, words) = refused("Find", args![]);
    let expected = "incorrect number of params. Expected 1, received 0: parameter kind is missing";
    assert_eq!(words, expected);
}

#[test]
fn structs_and_maps_travel_as_json() {
    let part = json!({ "partNo": 7, "subParts": [], "kind": "NUT" });
    let answer = ledger().submit("AddPart", args![part, br#"{"a":true}"#]).unwrap();
    assert_eq!(answer.text(), "8");
}

#[test]
fn an_error_keeps_the_status_that_its_author_gave_it() {
    assert_eq!(refused("check", args![11]), (422, "beyond 10".to_owned()));
}

#[test]
fn hooks_run_around_a_function_and_in_its_place() {
    let mut ledger = ledger();
    let answer = ledger.submit("Hooks:run", args![]).unwrap();
    assert_eq!(answer.event, Some(("after".to_owned(), b"ran".to_vec())));
    let answer = ledger.submit("Hooks:other", args![]).unwrap();
    assert_eq!(answer.text(), "Hooks:other");
    assert_eq!(answer.event, Some(("after".to_owned(), b"Hooks:other".to_vec())));
    let refused = ledger.as_identity("Org2MSP", "").submit("Hooks:run", args![]).unwrap_err();
    assert_eq!(refused, Error::new(403, "not for you"));
    let answer = ledger.submit("check", args![1]).unwrap();
    assert_eq!(answer.event, Some(("before".to_owned(), b"check".to_vec())));
}

#[test]
fn init_without_arguments_succeeds_and_with_them_is_a_call() {
    assert_eq!(ledger().init(args![]).unwrap().text(), "Default initiator successful.");
    assert_eq!(ledger().init(args!["Hooks:run"]).unwrap().text(), "ran");
    assert!(ledger().init(args!["nothing"]).is_err());
}

#[test]
fn metadata_has_names_types_and_tags() {
    let answer = ledger().evaluate("org.hyperledger.fabric:GetMetadata", args![]).unwrap();
    let metadata: Value = answer.json();
    assert!(metadata["$schema"].as_str().unwrap().ends_with("contract-schema.json"));
    assert_eq!(metadata["info"], json!({ "title": "Parts", "version": "2.1.0" }));
    let parts = &metadata["contracts"]["Parts"];
    assert_eq!(parts["default"], json!(true));
    assert_eq!(
        parts["transactions"],
        json!([
            {
                "name": "AddPart",
                "description": "Adds one part.",
                "tag": ["submit", "SUBMIT"],
                "parameters": [
                    { "name": "part", "required": true, "schema": {
                        "$ref": "#/components/schemas/Part",
                    } },
                    { "name": "tags", "required": true, "schema": {
                        "type": "object", "additionalProperties": { "type": "boolean" },
                    } },
                ],
                "returns": { "type": "integer", "format": "uint32", "minimum": 0 },
            },
            {
                "name": "Echo",
                "tag": ["evaluate", "EVALUATE"],
                "parameters": [
                    { "name": "text", "required": true, "schema": { "type": "string" } },
                    { "name": "bytes", "required": true, "schema": {
                        "type": "string", "format": "byte",
                    } },
                    { "name": "flag", "required": true, "schema": { "type": "boolean" } },
                ],
                "returns": { "type": "string", "format": "byte" },
            },
            {
                "name": "Find",
                "tag": ["evaluate", "EVALUATE"],
                "parameters": [
                    { "name": "kind", "required": true, "schema": {
                        "type": "string", "enum": ["SCREW", "NUT"],
                    } },
                    {
                        "name": "limit",
                        "description": "How many at most.",
                        "required": false,
                        "schema": { "type": "integer", "format": "uint32", "minimum": 0 },
                    },
                    { "name": "after", "required": false, "schema": { "type": "string" } },
                ],
                "returns": { "type": "string", "enum": ["SCREW", "NUT"] },
            },
            {
                "name": "check",
                "tag": ["evaluate", "EVALUATE"],
                "parameters": [{ "name": "number", "required": true, "schema": {
                    "type": "integer", "format": "uint32", "minimum": 0,
                } }],
            },
        ])
    );
    assert_eq!(
        parts["info"],
        json!({ "title": "Parts", "version": "2.1.0", "description": "Keeps parts." })
    );
    assert_eq!(metadata["contracts"]["Hooks"]["info"]["version"], env!("CARGO_PKG_VERSION"));
    let system = &metadata["contracts"]["org.hyperledger.fabric"]["transactions"];
    assert_eq!(system[0]["name"], "GetMetadata");
}

#[test]
fn metadata_follows_serde_in_the_schemas_of_structs() {
    let answer = ledger().evaluate("org.hyperledger.fabric:getMetadata", args![]).unwrap();
    assert_eq!(
        answer.json::<Value>()["components"]["schemas"],
        json!({
            "Part": {
                "$id": "Part",
                "type": "object",
                "description": "Something to build with.",
                "properties": {
                    "partNo": {
                        "type": "integer", "format": "uint32", "minimum": 0,
                        "description": "Counted\nfrom one.",
                    },
                    "madeIn": { "type": "string" },
                    "subParts": { "type": "array", "items": { "$ref": "Part" } },
                    "kind": { "type": "string", "enum": ["SCREW", "NUT"] },
                },
                "required": ["partNo", "subParts"],
                "additionalProperties": false,
            },
        })
    );
}

#[test]
fn two_contracts_with_one_name_are_refused() {
    struct Twin;
    #[contract(name = "Hooks")]
    impl Twin {
        #[transaction]
        fn other(&self, _ctx: &Context) -> Result<()> {
            Ok(())
        }
    }
    struct Hooks;
    #[contract(name = "Hooks")]
    impl Hooks {}
    let mut ledger = MockLedger::new(vec![&Hooks, &Twin]);
    for function in ["Hooks:Other", "org.hyperledger.fabric:GetMetadata"] {
        let refused = ledger.evaluate(function, args![]).unwrap_err();
        assert_eq!(refused.message(), "two contracts of this chaincode have the name Hooks");
    }
}
