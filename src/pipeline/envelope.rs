//! The envelope that `--annotate` puts around a message: its kind, dialect and arrival next to what X sent.
//!
//! Law: the message inside is the bytes as received. Only a line that is not JSON becomes a JSON string, and its bytes
//! follow in base64 if they are not text.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::protocol::message::{Message, MessageKind};

/// When and over which connection a message arrived; absent in a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// RFC 3339, UTC, milliseconds.
    pub at: String,
    /// The connection's number in this run, from 1.
    pub connection: u32,
}

/// How many bytes of a line that is not JSON are kept; `bytes` is then its length. Escapes make them up to six times
/// as long.
const LONGEST_MALFORMED: usize = 1 << 20;

/// Appends one envelope and its line end.
pub fn write(message: &Message, line: &[u8], stamp: Option<&Stamp>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"kind\":\"");
    out.extend_from_slice(message.kind.name().as_bytes());
    out.extend_from_slice(b"\",\"dialect\":");
    match message.dialect {
        Some(dialect) => push_string(dialect.name(), out),
        None => out.extend_from_slice(b"null"),
    }
    if let Some(stamp) = stamp {
        out.extend_from_slice(b",\"at\":");
        push_string(&stamp.at, out);
        out.extend_from_slice(format!(",\"connection\":{}", stamp.connection).as_bytes());
    }
    out.extend_from_slice(b",\"message\":");
    match message.kind {
        MessageKind::Heartbeat => out.extend_from_slice(b"null"),
        MessageKind::Malformed => {
            let kept = &line[..line.len().min(LONGEST_MALFORMED)];
            push_string(&String::from_utf8_lossy(kept), out);
            if std::str::from_utf8(kept).is_err() {
                out.extend_from_slice(b",\"bytes_base64\":");
                push_string(&STANDARD.encode(kept), out);
            }
            if kept.len() < line.len() {
                out.extend_from_slice(format!(",\"bytes\":{}", line.len()).as_bytes());
            }
        }
        _ => out.extend_from_slice(line),
    }
    out.extend_from_slice(b"}\n");
}

fn push_string(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("writing to memory does not fail");
}
