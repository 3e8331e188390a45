//! `/logspec`. Fabric: fabric-lib-go, `common/flogging/httpadmin/spec.go`.

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::log;
use wasmcc_types::go_json;

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    spec: String,
}

/// What the log shows.
pub(super) fn get() -> (StatusCode, String) {
    (StatusCode::OK, json!({ "spec": log::spec() }).to_string())
}

/// Changes what the log shows.
pub(super) fn put(body: &[u8]) -> (StatusCode, String) {
    let wanted = go_json::from_slice(body, &["spec"]).map_err(|error| error.to_string());
    let set =
        wanted.and_then(|Wanted { spec }| log::set_spec(&spec).map_err(|error| error.to_string()));
    match set {
        Ok(()) => (StatusCode::NO_CONTENT, String::new()),
        Err(error) => (StatusCode::BAD_REQUEST, json!({ "error": error }).to_string()),
    }
}
