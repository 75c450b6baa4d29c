//! Faults as data: a script is a list of connections, a connection is a list of steps.
//!
//! Each stream request takes the next connection of the script; once the script is used up the
//! last connection is played again for every later request, unless the script says from which
//! connection to go round again. A connection that runs out of steps ends cleanly.

use std::time::Duration;

pub use super::message::Message;
pub use super::parse::ScriptError;
pub use super::refusal::Refusal;

/// What a server plays, connection after connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    connections: Vec<Vec<Step>>,
    /// Where to go on after the last connection.
    again: usize,
}

/// One thing a server does on a connection.
///
/// Everything up to the first step that sends (`Gzip`, `Header`, `Delay`) shapes the response
/// head; the head goes out before the first step that needs one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Compress this connection if the client offers gzip.
    Gzip,
    /// Add a header to the response, whether a stream or a refusal.
    Header(String, String),
    /// Wait before answering.
    Delay(Duration),
    /// Generated posts; `None` is endless, `every` zero is as fast as possible.
    Posts {
        /// How many.
        count: Option<u64>,
        /// The time from one to the next; the first comes at once.
        every: Duration,
    },
    /// Ready-made posts at full speed, cut into chunks of 16 KiB; ids come round again.
    Flood {
        /// How many; `None` is endless.
        count: Option<u64>,
    },
    /// Ready-made posts at full speed, a chunk for each, as X frames them.
    FloodLines {
        /// How many; `None` is endless.
        count: Option<u64>,
    },
    /// A control message.
    Message(Message),
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
    /// Send nothing for ever, with the socket open.
    Stall,
    /// One byte of a line that is never finished, every 100 ms, for ever.
    Dribble,
    /// A valid JSON line of this many bytes.
    HugeLine(u64),
    /// A line of arrays nested this deep.
    DeepJson(u64),
    /// One line of this size, compressed a thousandfold; turns `Gzip` on.
    GzipBomb(u64),
    /// The same as many short lines.
    GzipBombLines(u64),
    /// Play the steps before this one again: this many times in all, or for ever.
    Repeat(Option<u64>),
    /// The clean end: the last chunk. The connection can then carry another request.
    End,
    /// FIN (and over TLS a proper goodbye) without the last chunk.
    Close,
    /// Half a post, then a bare FIN: no last chunk, no TLS goodbye.
    Cut,
    /// RST.
    Reset,
    /// A chunk size that is none, then FIN.
    BadChunk,
    /// One of the answers X gives instead of a stream.
    Refuse(Refusal),
    /// Any other answer.
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
    /// Read the request and never answer.
    NoHead,
    /// Read the request and close without an answer.
    HangUp,
    /// Accept the connection and never read from it.
    AcceptNothing,
}

/// Where in a response a step belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Before the response.
    Before,
    /// Instead of a stream.
    Instead,
    /// In the stream.
    Stream,
}

impl Step {
    pub(super) fn place(&self) -> Place {
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
    pub(super) fn is_last(&self) -> bool {
        match self {
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

    /// The text form:
    ///
    /// ```text
    /// posts 5 every 10ms; heartbeat; disconnect 12; close   # one connection
    /// | status 503 | too-many-connections                   # two refusals
    /// | posts                                               # all later connections
    /// ```
    ///
    /// Steps are separated by `;` or a new line, connections by `|`. `again [N]` as the last
    /// connection goes round again from connection N (1 if none is given). `#` opens a comment.
    /// Durations are `250ms`, `2s`, `1m`, sizes `512`, `64KiB`, `1MiB`, `2GiB`.
    /// `line`, `raw` and the body of `status` take the rest of the line as it is, or a text in
    /// single quotes; in `raw` and in bodies `\r \n \t \\ \xHH` are escapes.
    ///
    /// # Errors
    /// The text is not a script; the error says where and, for a misspelt step, what is close.
    pub fn parse(text: &str) -> Result<Script, ScriptError> {
        super::parse::parse(text)
    }

    /// An endless show for people and first tests: posts at 25 a second with heartbeats, a limit
    /// notice now and then, and an ending of another kind every 30 to 40 seconds.
    ///
    /// A client that follows X's rules reconnects at once only to a stream that stood 10 s, and
    /// has 50 requests in 15 minutes: both are kept here. There is no stall, which would show an
    /// empty screen for half a minute.
    ///
    /// # Panics
    /// Never: a test plays it through the parser.
    #[must_use]
    pub fn demo() -> Script {
        // 25 posts a second. Every line of the text is one connection.
        let part = "posts 75 every 40ms; heartbeat";
        let connection = |parts: usize, ending: &str| {
            let mut text = format!("{part}; ").repeat(parts / 2);
            text.push_str("limit 3; ");
            text.push_str(&format!("{part}; ").repeat(parts - parts / 2));
            text.push_str(ending);
            text
        };
        let text = [
            connection(4, "disconnect 12; close"),
            connection(11, "operational-disconnect UpstreamOperationalDisconnect; end"),
            connection(10, "end"),
            connection(12, "cut"),
            connection(10, "reset"),
            connection(13, "disconnect 1; close"),
            connection(11, "warning 90; disconnect 4; close"),
            String::from("again 2"),
        ]
        .join("|");
        Script::parse(&text).expect("the demonstration is a script: a test parses it")
    }

    /// How many connections are written down.
    pub(super) fn len(&self) -> usize {
        self.connections.len()
    }

    /// The steps of the nth connection, counted from 0.
    pub(super) fn connection(&self, n: usize) -> &[Step] {
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

/// Every step of the text form with its arguments, and what it does; for `xstream simulate --list`.
pub fn faults() -> impl Iterator<Item = (&'static str, &'static str)> {
    super::parse::STEPS.iter().copied().chain(super::message::list()).chain(super::refusal::list())
}

/// The name in a usage text.
pub(super) fn first_word(usage: &'static str) -> &'static str {
    usage.split(' ').next().unwrap_or(usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_connection_is_repeated_unless_the_script_goes_round() {
        let script = Script::parse("end | close | cut").unwrap();
        let played: Vec<_> = (0..5).map(|n| script.connection(n)[0].clone()).collect();
        assert_eq!(played, [Step::End, Step::Close, Step::Cut, Step::Cut, Step::Cut]);
        let script = Script::parse("end | close | cut | again 2").unwrap();
        let played: Vec<_> = (0..6).map(|n| script.connection(n)[0].clone()).collect();
        assert_eq!(played, [Step::End, Step::Close, Step::Cut, Step::Close, Step::Cut, Step::Close]);
    }

    #[test]
    fn the_demonstration_keeps_to_the_rules_of_a_careful_client() {
        let script = Script::demo();
        for n in 0..20 {
            let steps = script.connection(n);
            assert!(matches!(steps[0], Step::Posts { .. }), "posts come first");
            assert!(!steps.contains(&Step::Stall));
            let life: Duration = steps
                .iter()
                .map(|step| match step {
                    Step::Posts { count: Some(count), every } => *every * u32::try_from(count - 1).unwrap(),
                    _ => Duration::ZERO,
                })
                .sum();
            let least = if n == 0 { 11 } else { 28 };
            assert!(life >= Duration::from_secs(least) && life <= Duration::from_secs(40), "{life:?}");
        }
    }

    #[test]
    fn an_empty_script_has_empty_connections() {
        assert_eq!(Script::new(Vec::new()).connection(3), []);
    }
}
