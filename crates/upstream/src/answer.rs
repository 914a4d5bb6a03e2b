//! A response's body.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use crate::{error::UpstreamError, link::Link, pool::Upstream};

/// A response body that gives its connection back to the pool once read to its end.
///
/// It is read only as fast as it is polled. Dropped before its end it closes the connection, which
/// in the stateless era is how a call is cancelled.
pub struct Answer {
    body: Incoming,
    /// None once the connection was given back, or is of no use any more.
    link: Option<Box<Link>>,
    home: Arc<Upstream>,
}

impl Answer {
    pub(crate) fn new(body: Incoming, link: Box<Link>, home: Arc<Upstream>) -> Self {
        let mut answer = Self {
            body,
            link: Some(link),
            home,
        };
        answer.give_back_at_end();
        answer
    }

    fn give_back_at_end(&mut self) {
        if self.body.is_end_stream() {
            self.give_back();
        }
    }

    fn give_back(&mut self) {
        if let Some(link) = self.link.take() {
            self.home.give_back(link);
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        let this = self.get_mut();
        // Frames come by driving the connection, so waiting for one needs no waker of its own.
        let mut noop = Context::from_waker(Waker::noop());
        let Some(link) = &mut this.link else {
            return Poll::Ready(None);
        };
        let mut frame = Pin::new(&mut this.body).poll_frame(&mut noop);
        if frame.is_pending() {
            let alive = link.drive(cx);
            frame = Pin::new(&mut this.body).poll_frame(&mut noop);
            if frame.is_pending() && !alive {
                this.link = None;
                let error = io::Error::from(io::ErrorKind::UnexpectedEof);
                return Poll::Ready(Some(Err(UpstreamError::Broken(error.into()))));
            }
        }
        Poll::Ready(match ready!(frame) {
            Some(Ok(frame)) => {
                // With a known length nobody may ask again after the last byte.
                this.give_back_at_end();
                Some(Ok(frame))
            }
            None => {
                this.give_back();
                None
            }
            Some(Err(error)) => {
                this.link = None;
                Some(Err(error.into()))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
