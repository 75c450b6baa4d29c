//! The network as the event loop sees it, so that a test can put a fake one in its place.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::Bytes;

use crate::net::dial::{Dial, DialOutcome, Dialer};
use crate::net::stream::Stream;
use crate::protocol::request::Request;
use crate::session::{Failure, Head, Refusal};

/// A future that the event loop keeps until it is ready.
pub type Background<T> = Pin<Box<dyn Future<Output = T>>>;

/// Bytes of a stream, a failure, or its end in order.
pub type Chunk = Option<Result<Bytes, Failure>>;

/// Opens connections.
pub trait Network {
    /// An open connection.
    type Link: Link;
    /// One attempt to open it.
    type Attempt: Attempt<Link = Self::Link> + Unpin;

    /// Begins to open a connection with this request.
    fn dial(&self, request: &Request) -> Self::Attempt;
}

/// An attempt to open a connection: a future of its outcome.
pub trait Attempt: Future<Output = Answer<Self::Link>> {
    /// An open connection.
    type Link;

    /// Gives it up: whether the head of the request was sent, and what remains to be done in the background.
    fn cancel(self) -> (bool, Background<()>);
}

/// What an attempt came to.
pub enum Answer<L> {
    /// A 200.
    Opened(Head, L),
    /// Any other status.
    Refused(Refusal),
    /// No response.
    Failed(Failure),
}

/// An open connection.
pub trait Link {
    /// Whether the body is compressed.
    fn is_gzip(&self) -> bool;

    /// The next bytes, if they are here or when they come.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Chunk>;

    /// Ends the connection so that the server frees the slot.
    fn close(self) -> Background<()>;
}

/// The next bytes of a link if they are here already.
pub async fn ready(link: &mut impl Link) -> Option<Chunk> {
    poll_fn(|cx| {
        Poll::Ready(match link.poll_next(cx) {
            Poll::Ready(chunk) => Some(chunk),
            Poll::Pending => None,
        })
    })
    .await
}

impl Network for Dialer {
    type Link = Box<Stream>;
    type Attempt = NetworkAttempt;

    fn dial(&self, request: &Request) -> NetworkAttempt {
        NetworkAttempt(Dialer::dial(self, request))
    }
}

/// A dial over the network.
pub struct NetworkAttempt(Dial);

impl Future for NetworkAttempt {
    type Output = Answer<Box<Stream>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|outcome| match outcome {
            DialOutcome::Opened(head, stream) => Answer::Opened(head, stream),
            DialOutcome::Refused(refusal) => Answer::Refused(refusal),
            DialOutcome::Failed(failure) => Answer::Failed(failure),
        })
    }
}

impl Attempt for NetworkAttempt {
    type Link = Box<Stream>;

    fn cancel(self) -> (bool, Background<()>) {
        (self.0.is_sent(), Box::pin(self.0.cancel()))
    }
}

impl Link for Box<Stream> {
    fn is_gzip(&self) -> bool {
        self.gzip
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Chunk> {
        Stream::poll_next(self, cx)
    }

    fn close(self) -> Background<()> {
        Box::pin(Stream::close(*self))
    }
}
