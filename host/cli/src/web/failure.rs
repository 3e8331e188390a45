//! Error answers of the page's API, as JSON.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A status with a text for the user.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    text: String,
}

impl Failure {
    /// The request is wrong.
    pub(super) fn bad(text: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, text: text.into() }
    }

    /// The request is not allowed.
    pub(super) fn forbidden(text: impl Into<String>) -> Self {
        Self { status: StatusCode::FORBIDDEN, text: text.into() }
    }

    /// The requested thing does not exist.
    pub(super) fn missing(text: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, text: text.into() }
    }

    /// The chaincode or the peer has refused the call.
    pub(super) fn refused(error: &anyhow::Error) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, text: format!("{error:#}") }
    }

    /// Too many requests at once, or a request takes too long.
    pub(super) fn busy(text: impl Into<String>) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, text: text.into() }
    }

    /// An error with any status.
    pub(super) fn with(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    /// An error of this machine or of the data.
    fn from(error: E) -> Self {
        let text = format!("{:#}", error.into());
        tracing::debug!(%text, "a request of the page fails");
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, text }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.text }).to_string();
        (self.status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
    }
}
