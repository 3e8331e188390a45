//! Limits the size of an error in trailers.
//!
//! gRPC sends an error's message and details in HTTP/2 headers. Many clients accept 8 KiB of them,
//! others 16 KiB. At more, they end the stream or the connection. So the texts of an error are cut
//! to a size that all clients accept, unless the client states that it accepts more, as `wasmcc`
//! does. If Fabric's messages have a field for the text, as in a `ProposalResponse`, the body
//! contains the whole text.

use prost::Message;
use tonic::codegen::http::{self, HeaderMap, HeaderValue};
use tonic::{Request, Status};

use crate::status::{RpcStatus, with_details};
use wasmcc_types::grpc_metadata;
use wasmcc_types::proto::gateway::ErrorDetail;

/// Maximum encoded size of message and details together. The rest of 8 KiB is for other headers.
pub(super) const ROOM: usize = 7_000;
/// Maximum for clients that accept more. Each of these bytes is encoded on a thread that many
/// clients share.
const MOST: usize = 1 << 20;
/// The headers with the texts of an error.
pub(super) const TEXTS: [&str; 2] = ["grpc-message", "grpc-status-details-bin"];

/// An extension of a request: the bytes of an error that its client accepts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Accepted(pub(super) usize);

impl Accepted {
    /// Returns the size that the client of a request accepts.
    pub(super) fn of<T>(request: &Request<T>) -> Self {
        request.extensions().get().copied().unwrap_or(Self(ROOM))
    }

    /// Cuts an error that is too long even before it is escaped. Services call this before tonic
    /// encodes the error: encoding a long text takes much longer than cutting it. [`fit`] does the
    /// rest.
    pub(super) fn cut(self, status: Status) -> Status {
        let Self(room) = self;
        // The size in Base64.
        let details = status.details().len() / 3 * 4;
        match status.message().len() + details <= room {
            true => status,
            false => cut(&status, room),
        }
    }
}

/// Returns the size that the client of a call accepts.
pub(super) fn room(request: &HeaderMap) -> usize {
    let wanted = request.get(grpc_metadata::TRAILER_BYTES);
    let wanted = wanted.and_then(|value| value.to_str().ok()?.parse().ok());
    wanted.map_or(ROOM, |wanted: usize| wanted.clamp(ROOM, MOST))
}

/// Returns the answer with its error, if any, cut to `room`.
pub(super) fn fit<B: Default>(answer: http::Response<B>, room: usize) -> http::Response<B> {
    if error_bytes(answer.headers()) <= room {
        return answer;
    }
    match Status::from_header_map(answer.headers()) {
        Some(status) => cut(&status, room).into_http(),
        None => answer,
    }
}

/// Returns the size of an error's texts; 0 if there is no error.
pub(super) fn error_bytes(headers: &HeaderMap) -> usize {
    TEXTS.iter().filter_map(|name| headers.get(*name)).map(HeaderValue::len).sum()
}

/// Returns the same error with shorter texts.
fn cut(status: &Status, room: usize) -> Status {
    let code = status.code();
    let rpc = RpcStatus::decode(status.details()).unwrap_or_default();
    let mut details: Vec<ErrorDetail> =
        rpc.details.iter().filter_map(|any| Message::decode(any.value.as_slice()).ok()).collect();
    if details.is_empty() {
        return Status::with_metadata(code, shorten(status.message(), room), metadata(status));
    }
    // The details contain most of the information.
    let message = shorten(status.message(), room / 4);
    // Base64 encodes three bytes as four. The details begin with code and message.
    let left = (room - encoded_len(&message)) / 4 * 3;
    let left = left.saturating_sub(message.len() + 16);
    let frame = |detail: &ErrorDetail| detail.address.len() + detail.msp_id.len() + 80;
    let (mut used, mut kept) = (0, 0);
    for detail in &details {
        // Each detail has room for at least a few words.
        used += frame(detail) + 40;
        if used > left {
            break;
        }
        kept += 1;
    }
    details.truncate(kept);
    let frames: usize = details.iter().map(frame).sum();
    let each = left.saturating_sub(frames).checked_div(kept).unwrap_or(0);
    for detail in &mut details {
        detail.message = cut_text(&detail.message, each, str::len);
    }
    let cut = with_details(code, &message, details.into_iter());
    let bytes = cut.details().to_vec().into();
    Status::with_details_and_metadata(code, message, bytes, metadata(status))
}

fn metadata(status: &Status) -> tonic::metadata::MetadataMap {
    status.metadata().clone()
}

/// Returns a message that is short enough for a header.
fn shorten(text: &str, room: usize) -> String {
    cut_text(text, room, encoded_len)
}

/// Cuts a text to this size, as `len` measures it, including the note about the rest.
fn cut_text(text: &str, room: usize, len: impl Fn(&str) -> usize) -> String {
    if len(text) <= room {
        return text.to_owned();
    }
    let mut left = room.saturating_sub(60);
    let mut end = 0;
    for (at, c) in text.char_indices() {
        let next = at + c.len_utf8();
        match left.checked_sub(len(&text[at..next])) {
            Some(rest) => (left, end) = (rest, next),
            None => break,
        }
    }
    let (len, before) = cut_before(text).unwrap_or((text.len(), 0));
    let end = end.min(len);
    format!("{} ... ({} more bytes)", &text[..end], len - end + before)
}

/// Returns the position of an earlier cut in the text, and the number of bytes that it left out.
fn cut_before(text: &str) -> Option<(usize, usize)> {
    let (begin, rest) = text.rsplit_once(" ... (")?;
    Some((begin.len(), rest.strip_suffix(" more bytes)")?.parse().ok()?))
}

/// Returns the maximum size of a text in the header `grpc-message`: all but letters and digits may
/// be escaped.
fn encoded_len(text: &str) -> usize {
    if text.len() > MOST {
        // It is too long in any case.
        return text.len();
    }
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { 1 } else { 3 }).sum()
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;
    use crate::status::error_details;

    fn fitted(status: Status, room: usize) -> (Status, usize) {
        let answer: http::Response<()> = fit(status.into_http(), room);
        let values = answer.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
        let bytes = values.sum();
        (Status::from_header_map(answer.headers()).unwrap(), bytes)
    }

    fn detail(msp_id: &str, message: &str) -> ErrorDetail {
        let (address, msp_id) = ("peer0.org1.example.com:7051".into(), msp_id.into());
        ErrorDetail { address, msp_id, message: message.into() }
    }

    #[test]
    fn errors_that_fit_are_left_as_they_are() {
        let status = with_details(Code::Aborted, "no", [detail("A", "why")].into_iter());
        let (same, _) = fitted(status.clone(), ROOM);
        assert_eq!((same.message(), same.details()), ("no", status.details()));
    }

    #[test]
    fn long_texts_are_cut_to_what_every_client_takes() {
        for reason in ["no such asset; ".repeat(4_000), "\u{e9}\u{1f600}%".repeat(9_000)] {
            let text = format!("evaluate call to endorser returned error: {reason}");
            let whole = with_details(Code::Unknown, &text, [detail("A", &reason)].into_iter());
            let (cut, bytes) = fitted(whole.clone(), ROOM);
            assert!(bytes < 7_500, "{bytes}");
            assert_eq!(cut.code(), Code::Unknown);
            assert!(cut.message().starts_with("evaluate call to endorser returned error: "));
            assert!(cut.message().ends_with(" more bytes)"), "{}", cut.message());
            let [ErrorDetail { message, msp_id, .. }] = &error_details(&cut)[..] else { panic!() };
            assert_eq!(msp_id, "A");
            let (begin, rest) = message.rsplit_once(" ... (").unwrap();
            assert!(begin.len() > 1_000 && reason.starts_with(begin));
            assert_eq!(rest, format!("{} more bytes)", reason.len() - begin.len()));
            let (all, _) = fitted(whole, MOST);
            assert_eq!(
                (all.message(), error_details(&all)[0].message.len()),
                (&*text, reason.len())
            );
        }
    }

    #[test]
    fn each_of_many_details_keeps_some_words() {
        let words = "x".repeat(10_000);
        let details: Vec<_> = (0..9).map(|n| detail(&format!("Org{n}MSP"), &words)).collect();
        let (cut, bytes) = fitted(with_details(Code::Aborted, "no", details.into_iter()), ROOM);
        assert!(bytes < 7_500, "{bytes}");
        let said = error_details(&cut);
        assert_eq!(said.len(), 9);
        assert!(said.iter().all(|detail| detail.message.len() > 200), "{said:?}");
        let details: Vec<_> = (0..900).map(|n| detail(&format!("Org{n}MSP"), &words)).collect();
        let (cut, bytes) = fitted(with_details(Code::Aborted, "no", details.into_iter()), ROOM);
        assert!(bytes < 7_500 && error_details(&cut).len() > 10, "{bytes}");
    }

    #[test]
    fn an_error_without_details_is_its_message() {
        let (cut, bytes) = fitted(Status::unknown("a%".repeat(30_000)), ROOM);
        assert!(bytes < 7_500 && cut.message().starts_with("a%a%"), "{bytes}");
    }

    #[test]
    fn a_text_that_is_cut_again_tells_how_much_is_missing_in_all() {
        let text = "x".repeat(100_000);
        let once = Accepted(ROOM).cut(Status::unknown(&text));
        let (twice, _) = fitted(once.clone(), 512);
        for cut in [once.message(), twice.message()] {
            let (begin, rest) = cut.split_once(" ... (").unwrap();
            assert_eq!(rest, format!("{} more bytes)", text.len() - begin.len()));
        }
        let long = "long ".repeat(3 << 20);
        let cut = Accepted(MOST).cut(with_details(
            Code::Unknown,
            &long,
            [detail("A", &long)].into_iter(),
        ));
        assert!(cut.message().len() + cut.details().len() < MOST);
        let (same, _) = fitted(cut.clone(), MOST);
        assert_eq!((same.message(), same.details()), (cut.message(), cut.details()));
        let short = Status::unknown("no");
        assert_eq!(Accepted(ROOM).cut(short).message(), "no");
    }

    #[test]
    fn a_client_says_how_much_it_takes() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(grpc_metadata::TRAILER_BYTES, text.parse().unwrap());
            room(&headers)
        };
        assert_eq!(room(&HeaderMap::new()), ROOM);
        assert_eq!((of("65536"), of("1"), of("x")), (65_536, ROOM, ROOM));
        assert_eq!(of("99999999999"), MOST);
    }
}
