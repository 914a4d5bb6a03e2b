//! Calls that outlive their client.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Body;
use http::Response;

/// A call in the session era, where a lost connection cancels nothing: when the client goes away
/// before the answer has begun, the call is brought to its end without it.
pub(crate) struct Uncancelled<F: Future<Output = Response<Body>> + Send + 'static>(
    Option<Pin<Box<F>>>,
);

impl<F: Future<Output = Response<Body>> + Send + 'static> Uncancelled<F> {
    pub(crate) fn new(future: F) -> Self {
        Self(Some(Box::pin(future)))
    }
}

impl<F: Future<Output = Response<Body>> + Send + 'static> Future for Uncancelled<F> {
    type Output = Response<Body>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response<Body>> {
        let Some(future) = &mut self.0 else {
            return Poll::Pending;
        };
        let polled = future.as_mut().poll(cx);
        if polled.is_ready() {
            self.0 = None;
        }
        polled
    }
}

impl<F: Future<Output = Response<Body>> + Send + 'static> Drop for Uncancelled<F> {
    fn drop(&mut self) {
        if let (Some(future), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current())
        {
            runtime.spawn(future);
        }
    }
}
