//! Encodes the texts of gRPC errors as Fabric's servers do: percent-encodes only bytes that are not
//! printable ASCII, and the percent sign. tonic encodes more, which some clients do not decode.
//! Fabric: grpc-go, `encodeGrpcMessage`.

use std::fmt::Write;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{self, HeaderMap, HeaderValue};

const MESSAGE: &str = "grpc-message";

/// Re-encodes the error text of a response, if it has one, also in the trailers.
pub(super) fn plain(response: http::Response<Body>) -> http::Response<Body> {
    let (mut parts, body) = response.into_parts();
    make_plain(&mut parts.headers);
    http::Response::from_parts(parts, Body::new(PlainBody(body)))
}

/// A body that re-encodes the error text of its trailers.
struct PlainBody(Body);

impl http_body::Body for PlainBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.0).poll_frame(cx).map_ok(|mut frame| {
            if let Some(trailers) = frame.trailers_mut() {
                make_plain(trailers);
            }
            frame
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

fn make_plain(headers: &mut HeaderMap) {
    let Some(message) = headers.get_mut(MESSAGE) else { return };
    if let Ok(plain) = HeaderValue::from_str(&encode(&decode(message.as_bytes()))) {
        *message = plain;
    }
}

/// Encodes a text. A leading or trailing space is encoded as well: HTTP/2 headers cannot begin or
/// end with one.
fn encode(text: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    let last = text.len().saturating_sub(1);
    for (at, byte) in text.iter().enumerate() {
        let is_inner = at > 0 && at < last;
        match byte {
            b'%' => encoded.push_str("%25"),
            b' ' if is_inner => encoded.push(' '),
            b'!'..=b'~' => encoded.push(char::from(*byte)),
            // Writing to a text cannot fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

fn decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, behind @ ..] = rest {
        let digits = behind.first_chunk::<2>().filter(|_| *first == b'%');
        let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = if byte.is_some() { &behind[2..] } else { behind };
        decoded.push(byte.unwrap_or(*first));
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns an error's text as it is sent: encoded by tonic, then re-encoded.
    fn sent(text: &str) -> String {
        let mut response = Status::unknown(text).into_http::<Body>();
        assert!(response.headers().contains_key(MESSAGE) || text.is_empty());
        response = plain(response);
        let header = response.headers().get(MESSAGE).map_or(b"".as_slice(), HeaderValue::as_bytes);
        assert_eq!(decode(header), text.as_bytes(), "the client reads what was meant");
        String::from_utf8(header.to_vec()).unwrap()
    }

    #[test]
    fn only_what_grpc_demands_is_encoded() {
        let printable: String = ('!'..='~').filter(|c| *c != '%').collect();
        assert_eq!(sent(&printable), printable);
        for (text, expected) in [
            ("", ""),
            ("what? #1 `a` {\"b\"} <c>", "what? #1 `a` {\"b\"} <c>"),
            ("100%", "100%25"),
            ("%41", "%2541"),
            ("a\nb\tc\u{7f}", "a%0Ab%09c%7F"),
            ("ä€", "%C3%A4%E2%82%AC"),
            (" a b ", "%20a b%20"),
        ] {
            assert_eq!(sent(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_code_stays_as_it_is() {
        for text in ["%", "%4", "%zz", "%+4", "a%2"] {
            assert_eq!(decode(text.as_bytes()), text.as_bytes(), "{text}");
        }
    }
}
