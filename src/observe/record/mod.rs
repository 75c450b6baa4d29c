//! The records of the journal: one JSON object per line, written by `tail --journal` and read back by `explain
//! --journal`. `journal.schema.json` documents the format; a test holds the two together.
//!
//! Its law: what is written stays readable. A record with a time and an event is readable, whatever else is unknown,
//! extra, missing or of another type.

mod replay;
mod write;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value};

use crate::session::WaitReason;
use crate::time::{format_rfc3339, parse_rfc3339};

/// One record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalRecord {
    pub(super) at: Wall,
    /// The number of the connection in its run; 0 before the first.
    #[serde(default)]
    pub(super) connection: u32,
    #[serde(flatten)]
    pub(super) kind: RecordKind,
}

/// A time since the Unix epoch, as RFC 3339.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Wall(pub Duration);

impl Serialize for Wall {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_rfc3339(self.0))
    }
}

impl<'de> Deserialize<'de> for Wall {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Wall, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_rfc3339(&text).map(Wall).ok_or_else(|| D::Error::custom("not an RFC 3339 time"))
    }
}

/// The content of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum RecordKind {
    Start(StartRecord),
    Dialling {
        #[serde(default)]
        attempt: u32,
    },
    Opened {
        #[serde(default)]
        rate_limit: RateLimitRecord,
    },
    FirstByte {
        #[serde(default)]
        after_ms: u64,
    },
    Established,
    Late {
        #[serde(default)]
        silence_ms: u64,
    },
    Limit {
        #[serde(default)]
        track: Option<u64>,
    },
    Warning(WarningRecord),
    Info {
        #[serde(default)]
        message: String,
    },
    Error {
        #[serde(default)]
        message: String,
    },
    Notice {
        #[serde(default)]
        code: String,
        #[serde(default)]
        detail: Option<String>,
    },
    Malformed(FaultRecord),
    Oversize(LengthRecord),
    Discarded(LengthRecord),
    Expression(ExpressionRecord),
    #[serde(rename = "unremarked")]
    Suppressed {
        #[serde(default)]
        count: u64,
    },
    Blocked,
    Unblocked {
        #[serde(default)]
        after_ms: u64,
    },
    Ended(EndedRecord),
    Waiting(WaitingRecord),
    Held(HeldRecord),
    Reason {
        /// The number of the connection that ended.
        #[serde(default)]
        of: u32,
        #[serde(default)]
        reason: String,
    },
    Gap(GapRecord),
    ArchiveRecovered {
        #[serde(default)]
        file: String,
        #[serde(default)]
        cut_bytes: u64,
    },
    ArchiveRemoved {
        #[serde(default)]
        file: String,
        #[serde(default)]
        cut_bytes: u64,
    },
    Archived(ArchivedRecord),
    ArchiveScrubbed {
        #[serde(default)]
        file: String,
        #[serde(default)]
        removed: u64,
        #[serde(default)]
        cut: u64,
    },
    ArchiveNotScrubbed {
        #[serde(default)]
        file: String,
        #[serde(default)]
        why: String,
    },
    ArchiveFailed {
        #[serde(default)]
        why: String,
        #[serde(default)]
        messages: u64,
        #[serde(default)]
        files: Vec<String>,
    },
    Status(StatusRecord),
    End(EndRecord),
    /// The event of a later version.
    #[serde(other, skip_serializing)]
    Unknown,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StartRecord {
    pub version: String,
    pub stream: String,
    pub host: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RateLimitRecord {
    limit: Option<u32>,
    remaining: Option<u32>,
    reset: Option<Wall>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct WarningRecord {
    code: String,
    message: String,
    percent_full: Option<u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct FaultRecord {
    line: u64,
    why: String,
    text: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct LengthRecord {
    line: u64,
    bytes: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ExpressionRecord {
    line: u64,
    option: String,
    why: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct EndedRecord {
    pub code: String,
    pub name: String,
    meaning: String,
    pub side: String,
    detail: Option<String>,
    pub opened: bool,
    lived_ms: u64,
    bytes: u64,
    lines: u64,
    pub posts: u64,
    pub slow_reader: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct WaitingRecord {
    /// Absent if a later version has another reason.
    why: Option<WaitReason>,
    delay_ms: u64,
    until: Wall,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct HeldRecord {
    pub by: Vec<HolderRecord>,
    freed: Option<u64>,
    not_freed: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct HolderRecord {
    id: String,
    pub client_ip: String,
    age_ms: Option<u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct GapRecord {
    from: Option<Wall>,
    to: Option<Wall>,
    length_ms: Option<u64>,
    cause: String,
    last_id: Option<String>,
    first_id: Option<String>,
    missed: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ArchivedRecord {
    file: String,
    messages: u64,
    bytes: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StatusRecord {
    pub state: String,
    stream: String,
    pub heartbeat_age_ms: Option<u64>,
    post_age_ms: Option<u64>,
    posts: u64,
    rate: f64,
    lag_ms: Option<u64>,
    rate_limit: RateLimitRecord,
    last: Option<LastRecord>,
    gaps: u64,
    missed: u64,
    quota: Option<QuotaRecord>,
    buffer: BufferRecord,
    waiting: Option<UntilRecord>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct LastRecord {
    code: String,
    name: String,
    age_ms: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct QuotaRecord {
    used: u64,
    posts: u64,
    period: String,
    exact: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct BufferRecord {
    bytes: usize,
    size: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct UntilRecord {
    why: Option<WaitReason>,
    until: Wall,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct EndRecord {
    pub outcome: String,
    pub exit: Option<u8>,
    pub code: Option<String>,
    printed: u64,
    withheld: u64,
    stripped: u64,
    pub posts: u64,
    connections: u64,
    gaps: u64,
    missed: u64,
    pub silence_ms: u64,
}

impl JournalRecord {
    /// Reads a line of a journal. A member whose value is not of its type is left out.
    ///
    /// # Errors
    /// The line is no JSON object, or has no time or no event.
    pub(super) fn read(line: &[u8]) -> serde_json::Result<JournalRecord> {
        let members: Map<String, Value> = serde_json::from_slice(line)?;
        let read = |members: &Map<String, Value>| JournalRecord::deserialize(Value::Object(members.clone()));
        if let Ok(record) = read(&members) {
            return Ok(record);
        }
        let (mut kept, others): (Map<_, _>, Map<_, _>) =
            members.into_iter().partition(|(name, _)| matches!(name.as_str(), "at" | "event"));
        let mut record = read(&kept)?;
        for (name, value) in others {
            kept.insert(name.clone(), value);
            match read(&kept) {
                Ok(better) => record = better,
                Err(_) => drop(kept.remove(&name)),
            }
        }
        Ok(record)
    }
}

impl fmt::Display for JournalRecord {
    /// Its line in the journal, without the line end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests;
