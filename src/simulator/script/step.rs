//! Faults as data: a script is a list of connections, a connection is a list of steps.
//!
//! Each stream request gets the next connection of the script; once the script is used up the
//! last connection is played again for every later request, unless the script says from which
//! connection to continue again. A connection that runs out of steps ends cleanly.

use std::time::Duration;

use super::control::ControlMessage;
use super::refusal::ScriptedRefusal;

/// What a server sends, connection after connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    connections: Vec<Vec<Step>>,
    /// Where to continue after the last connection.
    again: usize,
}

/// One thing a server does on a connection.
///
/// Everything up to the first step that sends (`Gzip`, `Header`, `Delay`) shapes the response
/// head; the head is sent before the first step that needs one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Compress this connection if the client offers gzip.
    Gzip,
    /// Add a header to the response, whether a stream or a refusal.
    Header(String, String),
    /// Wait before answering.
    Delay(Duration),
    /// The numbered feed: the part of the past that is requested, then each message when it is due, with a
    /// heartbeat after 20 s without one. `None` is endless. A later step continues where this one stopped.
    Feed(Option<Duration>),
    /// Generated messages of the stream's kind; `None` is endless, `every` zero is as fast as possible.
    Posts {
        /// How many.
        count: Option<u64>,
        /// The time from one to the next; the first comes at once.
        every: Duration,
    },
    /// Prepared posts at full speed, cut into chunks of 16 KiB; ids repeat.
    Flood {
        /// How many; `None` is endless.
        count: Option<u64>,
    },
    /// Prepared posts at full speed, a chunk for each, as X frames them.
    FloodLines {
        /// How many; `None` is endless.
        count: Option<u64>,
    },
    /// A control message.
    Message(ControlMessage),
    /// These bytes and CRLF.
    Line(Vec<u8>),
    /// These bytes and nothing else.
    Raw(Vec<u8>),
    /// Empty lines; the first comes at once.
    Heartbeat {
        /// How many; `None` is endless.
        count: Option<u64>,
        /// The time from one to the next.
        every: Duration,
    },
    /// Send nothing for a while.
    Wait(Duration),
    /// Send nothing, with the socket open.
    Stall,
    /// One byte of a line that is never finished, every 100 ms, without end.
    Dribble,
    /// A valid JSON line of this many bytes.
    HugeLine(u64),
    /// A line of arrays nested this deep.
    DeepJson(u64),
    /// One line of this size, compressed a thousandfold; turns `Gzip` on.
    GzipBomb(u64),
    /// The same as many short lines.
    GzipBombLines(u64),
    /// Play the steps before this one again: this many times in all, or without end.
    Repeat(Option<u64>),
    /// The clean end: the last chunk. The connection can then carry another request.
    End,
    /// FIN (and over TLS `close_notify`) without the last chunk.
    Close,
    /// Half a post, then a bare FIN: no last chunk, no `close_notify`.
    Cut,
    /// RST.
    Reset,
    /// An invalid chunk size, then FIN.
    BadChunk,
    /// One of the responses X sends instead of a stream.
    Refuse(ScriptedRefusal),
    /// Any other response.
    Status {
        /// The status code.
        code: u16,
        /// Headers beside length, date and rate limit.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// Something that is not HTTP, then FIN.
    Garbage,
    /// A response head that never ends.
    EndlessHeaders,
    /// Read the request and never respond.
    NoHead,
    /// Read the request and close without a response.
    HangUp,
    /// Accept the connection and never read from it.
    AcceptNothing,
}

/// Where in a response a step belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Before the response.
    Before,
    /// Instead of a stream.
    Instead,
    /// In the stream.
    Stream,
}

impl Step {
    pub(crate) fn place(&self) -> Place {
        match self {
            Step::Gzip | Step::Header(..) | Step::Delay(_) => Place::Before,
            Step::Refuse(_)
            | Step::Status { .. }
            | Step::Garbage
            | Step::EndlessHeaders
            | Step::NoHead
            | Step::HangUp
            | Step::AcceptNothing => Place::Instead,
            _ => Place::Stream,
        }
    }

    /// Whether no later step is ever played.
    pub(crate) fn is_last(&self) -> bool {
        match self {
            Step::Feed(duration) => duration.is_none(),
            Step::Posts { count, .. }
            | Step::Flood { count }
            | Step::FloodLines { count }
            | Step::Heartbeat { count, .. }
            | Step::Repeat(count) => count.is_none(),
            Step::Stall | Step::Dribble | Step::End | Step::Close | Step::Cut | Step::Reset | Step::BadChunk => true,
            step => step.place() == Place::Instead,
        }
    }
}

impl Script {
    /// A script of these connections; the last is repeated.
    #[must_use]
    pub fn new(connections: Vec<Vec<Step>>) -> Script {
        let again = connections.len().saturating_sub(1);
        Script { connections, again }
    }

    /// Goes back to this connection (counted from 0) after the last, instead of repeating the last.
    #[must_use]
    pub fn again_from(mut self, connection: usize) -> Script {
        self.again = connection.min(self.connections.len().saturating_sub(1));
        self
    }

    /// How many connections are written down.
    pub(crate) fn len(&self) -> usize {
        self.connections.len()
    }

    /// The steps of the nth connection, counted from 0.
    pub(crate) fn connection(&self, n: usize) -> &[Step] {
        let length = self.connections.len();
        if n < length {
            return &self.connections[n];
        }
        if length == 0 {
            // An empty script: streams that end at once.
            return &[];
        }
        &self.connections[self.again + (n - self.again) % (length - self.again)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_connection_is_repeated_unless_the_script_goes_round() {
        let script = Script::new([Step::End, Step::Close, Step::Cut].map(|step| vec![step]).into());
        let played: Vec<_> = (0..5).map(|n| script.connection(n)[0].clone()).collect();
        assert_eq!(played, [Step::End, Step::Close, Step::Cut, Step::Cut, Step::Cut]);
        let script = script.again_from(1);
        let played: Vec<_> = (0..6).map(|n| script.connection(n)[0].clone()).collect();
        assert_eq!(played, [Step::End, Step::Close, Step::Cut, Step::Close, Step::Cut, Step::Close]);
    }

    #[test]
    fn an_empty_script_has_empty_connections() {
        assert_eq!(Script::new(Vec::new()).connection(3), []);
    }
}
