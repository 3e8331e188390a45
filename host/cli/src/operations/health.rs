//! `/healthz`. Fabric: fabric-lib-go, `healthz/checker.go`.

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

/// A failed check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FailedCheck {
    /// The component that failed.
    pub(crate) component: String,
    /// The reason of the failure.
    pub(crate) reason: String,
}

/// Returns status and JSON of the answer.
pub(super) fn answer(failed: &[FailedCheck]) -> (StatusCode, String) {
    let mut time = String::new();
    // If the time cannot be formatted, the answer is still useful.
    let _ = SystemTime.format_time(&mut Writer::new(&mut time));
    match failed {
        [] => (StatusCode::OK, json!({ "status": "OK", "time": time }).to_string()),
        failed => {
            let status = "Service Unavailable";
            let answer = json!({ "status": status, "time": time, "failed_checks": failed });
            (StatusCode::SERVICE_UNAVAILABLE, answer.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_answer_is_fabrics() {
        let (status, text) = answer(&[]);
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status.as_u16(), &read["status"]), (200, &"OK".into()));
        assert!(read.get("failed_checks").is_none());
        let check = FailedCheck { component: "ledger".into(), reason: "full".into() };
        let (status, text) = answer(&[check]);
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status.as_u16(), &read["status"]), (503, &"Service Unavailable".into()));
        assert_eq!(read["failed_checks"], json!([{ "component": "ledger", "reason": "full" }]));
    }
}
