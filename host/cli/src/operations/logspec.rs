//! `/logspec`. Fabric: fabric-lib-go, `common/flogging/httpadmin/spec.go`.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::log;
use wasmcc_types::go_json;

/// Returns the specification of the log.
pub(super) fn get() -> (StatusCode, String) {
    (StatusCode::OK, json!({ "spec": log::spec() }).to_string())
}

/// Replaces the specification of the log.
pub(super) fn put(body: &[u8]) -> (StatusCode, String) {
    let set = wanted(body).and_then(|spec| log::set_spec(&spec).map_err(|error| error.to_string()));
    match set {
        Ok(()) => (StatusCode::NO_CONTENT, String::new()),
        Err(error) => (StatusCode::BAD_REQUEST, json!({ "error": error }).to_string()),
    }
}

/// Reads the specification of a request. As in Go, null or a missing member means an empty one.
fn wanted(body: &[u8]) -> Result<String, String> {
    let found = match go_json::from_slice(body, &["spec"]).map_err(|error| error.to_string())? {
        Value::Null => return Ok(String::new()),
        Value::Object(mut members) => match members.remove("spec") {
            None | Some(Value::Null) => return Ok(String::new()),
            Some(Value::String(spec)) => return Ok(spec),
            Some(other) => format!("the member spec is {}", kind(&other)),
        },
        other => format!("it is {}", kind(&other)),
    };
    Err(format!("the body must be as {{\"spec\":\"info\"}}, but {found}"))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_an_object_or_null() {
        for (body, spec) in [
            (r#"{"spec":"debug"}"#, "debug"),
            (r#"{"SPEC":"debug","other":1}"#, "debug"),
            (r#"{"spec":null}"#, ""),
            ("{}", ""),
            ("null", ""),
        ] {
            assert_eq!(wanted(body.as_bytes()).as_deref(), Ok(spec), "{body}");
        }
        for (body, found) in [
            ("[]", "it is an array"),
            (r#"["debug"]"#, "it is an array"),
            (r#""debug""#, "it is a string"),
            ("1", "it is a number"),
            (r#"{"spec":["debug"]}"#, "the member spec is an array"),
        ] {
            let error = wanted(body.as_bytes()).unwrap_err();
            assert!(error.ends_with(found), "{body}: {error}");
            assert_eq!(put(body.as_bytes()).0, StatusCode::BAD_REQUEST);
        }
        assert_eq!(put(b"").0, StatusCode::BAD_REQUEST);
    }
}
