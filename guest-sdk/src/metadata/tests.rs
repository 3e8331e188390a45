//! Tests of the metadata: it is valid by Fabric's schema, and describes all types.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::*;
use crate::{Context, DataType, Result, Timestamp, contract};

/// All keywords that Fabric's schema of contract metadata allows in a schema
/// (fabric-contract-api-go, metadata/schema/schema.json, `definitions/schema`).
const KEYWORDS: [&str; 28] = [
    "$ref",
    "format",
    "title",
    "description",
    "default",
    "multipleOf",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxProperties",
    "minProperties",
    "required",
    "enum",
    "additionalProperties",
    "type",
    "items",
    "allOf",
    "properties",
    "discriminator",
    "readOnly",
    "example",
];

#[derive(DataType, Serialize, Deserialize)]
enum Kind {
    Big,
    Small,
}

/// Some shape.
#[derive(DataType, Serialize, Deserialize)]
enum Shape {
    Point,
    Line(u32),
    Circle { center: (i32, i32), kind: Option<Kind> },
}

#[derive(DataType, Serialize, Deserialize)]
#[serde(tag = "type", content = "value")]
enum Change {
    Move(f32, f32),
    Paint(Vec<u8>),
    Hide,
}

#[derive(DataType, Serialize, Deserialize)]
struct Drawing {
    /// All of them.
    shapes: Vec<Shape>,
    #[serde(flatten)]
    frame: Frame,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
    at: Timestamp,
}

#[derive(DataType, Serialize, Deserialize)]
struct Frame {
    width: usize,
    inner: Option<Box<Frame>>,
}

struct Drawings;
struct Zebra;
struct Ant;

#[contract]
impl Zebra {}

/// "Small", and
/// it \ escapes.
#[contract]
impl Ant {}

/// Draws.
#[contract]
impl Drawings {
    #[expect(clippy::too_many_arguments, reason = "one of each kind")]
    #[transaction]
    fn draw(
        &self,
        _ctx: &Context,
        _drawing: &Drawing,
        _changes: Vec<Change>,
        _bytes: &[u8],
        _by_name: BTreeMap<String, Option<Kind>>,
        _any: Value,
        /// When.
        _at: Option<Timestamp>,
    ) -> Result<(u128, Option<Shape>)> {
        Ok((0, None))
    }

    #[transaction(evaluate)]
    fn nothing(&self, _ctx: &Context) -> Result<()> {
        Ok(())
    }
}

fn metadata() -> Value {
    serde_json::from_str(&describe(&[&Drawings])).unwrap()
}

fn is_schema(schema: &Value, path: &str) {
    let schema = schema.as_object().unwrap_or_else(|| panic!("{path}: {schema}"));
    for (keyword, value) in schema {
        let path = format!("{path}/{keyword}");
        assert!(KEYWORDS.contains(&keyword.as_str()), "{path}");
        match (keyword.as_str(), value) {
            ("items", Value::Array(parts)) => parts.iter().for_each(|part| is_schema(part, &path)),
            ("items", item) => is_schema(item, &path),
            ("additionalProperties", Value::Bool(_)) => {}
            ("additionalProperties", others) => is_schema(others, &path),
            ("properties", members) => {
                members.as_object().unwrap().values().for_each(|member| is_schema(member, &path));
            }
            ("required" | "enum", names) => assert!(!names.as_array().unwrap().is_empty()),
            _ => {}
        }
    }
}

fn is_info(info: &Value) {
    assert!(info["title"].is_string() && info["version"].is_string(), "{info}");
}

#[test]
fn metadata_is_what_fabrics_schema_of_it_says() {
    let metadata = metadata();
    is_info(&metadata["info"]);
    for contract in metadata["contracts"].as_object().unwrap().values() {
        is_info(&contract["info"]);
        assert!(contract["name"].is_string() && contract["default"].is_boolean());
        for transaction in contract["transactions"].as_array().unwrap() {
            assert!(transaction["name"].is_string());
            let parameters = transaction.get("parameters").and_then(Value::as_array);
            for parameter in parameters.into_iter().flatten() {
                let known = ["name", "description", "required", "schema"];
                let mut members = parameter.as_object().unwrap().keys();
                assert!(members.all(|member| known.contains(&member.as_str())), "{parameter}");
                is_schema(&parameter["schema"], "parameters");
            }
            if let Some(returns) = transaction.get("returns") {
                is_schema(returns, "returns");
            }
        }
    }
    let components = metadata["components"]["schemas"].as_object().unwrap();
    let names: Vec<&String> = components.keys().collect();
    assert_eq!(names, ["Change", "Drawing", "Frame", "Shape"]);
    for (name, component) in components {
        assert_eq!(component["$id"], *name);
        for member in component["properties"].as_object().unwrap().values() {
            is_schema(member, name);
        }
    }
}

#[test]
fn flattened_members_and_alternatives_are_described() {
    let metadata = metadata();
    let components = &metadata["components"]["schemas"];
    let drawing = &components["Drawing"];
    assert_eq!(drawing["required"], json!(["shapes", "width", "at"]));
    assert_eq!(drawing["properties"]["inner"], json!({ "$ref": "Frame" }));
    assert_eq!(drawing["additionalProperties"], json!({}));
    assert_eq!(drawing["properties"]["shapes"]["description"], "All of them.");
    assert_eq!(components["Shape"]["description"], "Some shape.");
    let shapes = components["Shape"]["oneOf"].as_array().unwrap();
    assert_eq!(shapes[0], json!({ "type": "string", "enum": ["Point"] }));
    assert_eq!(shapes[1]["required"], json!(["Line"]));
    let circle = &shapes[2]["properties"]["Circle"];
    assert_eq!(circle["required"], json!(["center"]));
    let hide = &components["Change"]["oneOf"][2];
    assert_eq!(hide["properties"], json!({ "type": { "type": "string", "enum": ["Hide"] } }));
    assert_eq!(metadata["contracts"]["Drawings"]["info"]["description"], "Draws.");
}

#[test]
fn the_members_of_each_object_are_in_the_order_of_their_names() {
    // A `Value` sorts members, so the texts are equal only if the members were sorted.
    assert_eq!(metadata().to_string(), describe(&[&Drawings]));
    let metadata = describe(&[&Zebra, &Ant, &Ant]);
    let read: Value = serde_json::from_str(&metadata).unwrap();
    assert_eq!(read.to_string(), metadata);
    assert_eq!(read["info"]["title"], "Zebra");
    assert_eq!(read["contracts"]["Zebra"]["default"], true);
    let names: Vec<&String> = read["contracts"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["Ant", "Zebra", SYSTEM_CONTRACT]);
}
