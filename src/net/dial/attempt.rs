//! One attempt to open a stream: its progress, its cancellation and its outcome.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::sync::Notify;

use crate::net::stream::Stream;
use crate::session::{Failure, Head, Refusal};

/// The outcome of a dial.
pub enum DialOutcome<L = Box<Stream>> {
    /// A 200, with its stream.
    Opened(Head, L),
    /// Any other status.
    Refused(Refusal),
    /// No response.
    Failed(Failure),
}

/// A dial in progress: a future of its outcome that owns all it needs, so that an event loop can store it beside
/// others.
///
/// Dropping it closes the socket at once. A server that has the request then sees a connection without TLS
/// `close_notify` and may hold the slot for a while, so an interrupted dial is ended with [`Dial::cancel`].
#[must_use = "a dial does nothing unless polled"]
pub struct Dial {
    pub(super) future: Pin<Box<dyn Future<Output = DialOutcome>>>,
    pub(super) progress: Rc<Progress>,
}

/// How far a dial is; shared between the dial and its future.
#[derive(Default)]
pub(super) struct Progress {
    /// Whether the head of the request was written to the socket.
    pub(super) sent: Cell<bool>,
    pub(super) cancelled: Notify,
}

impl Dial {
    /// Whether the head of the request was written to the socket, so that X counts it. True from that moment on, also
    /// before the outcome is known.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        self.progress.sent.get()
    }

    /// Gives the dial up. The future that is returned closes the connection cleanly if the request was sent, and is
    /// ready at once otherwise. It takes as long as [`Stream::close`] at most, and may be polled in the background.
    pub fn cancel(self) -> impl Future<Output = ()> + use<> {
        self.progress.cancelled.notify_one();
        async move {
            if self.is_sent()
                && let DialOutcome::Opened(_, stream) = self.future.await
            {
                stream.close().await;
            }
        }
    }
}

impl Future for Dial {
    type Output = DialOutcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<DialOutcome> {
        self.future.as_mut().poll(cx)
    }
}
