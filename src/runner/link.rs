//! The network as the event loop sees it, so that a test can put a fake one in its place.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::Bytes;

use crate::net::dial::{Dial, DialOutcome, Dialer};
use crate::net::stream::Stream;
use crate::protocol::request::Request;
use crate::session::Failure;

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
pub trait Attempt: Future<Output = DialOutcome<Self::Link>> {
    /// An open connection.
    type Link;

    /// Gives it up: whether the head of the request was sent, and what remains to be done in the background.
    fn cancel(self) -> (bool, Background<()>);
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
    type Attempt = Dial;

    fn dial(&self, request: &Request) -> Dial {
        Dialer::dial(self, request)
    }
}

impl Attempt for Dial {
    type Link = Box<Stream>;

    fn cancel(self) -> (bool, Background<()>) {
        (self.is_sent(), Box::pin(Dial::cancel(self)))
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
