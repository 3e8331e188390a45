//! Ends streams that would last as long as their clients want, when the server stops.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http;

use crate::shutdown::{Stopping, stops};

/// Wraps a response so that its body ends with UNAVAILABLE when the server stops.
pub(super) fn until_stop(
    response: http::Response<Body>,
    mut stopping: Stopping,
) -> http::Response<Body> {
    let stop: Stop = Box::pin(async move { stopping.wait().await });
    response.map(|body| Body::new(EndedBody { body, stop: Some(stop) }))
}

type Stop = Pin<Box<dyn Future<Output = ()> + Send>>;

struct EndedBody {
    body: Body,
    /// None: the body has ended.
    stop: Option<Stop>,
}

impl http_body::Body for EndedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(stop) = &mut self.stop else { return Poll::Ready(None) };
        if stop.as_mut().poll(cx).is_ready() {
            self.stop = None;
            let status = stops();
            let trailers = status.into_http::<Body>().into_parts().0.headers;
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.stop.is_none() || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
