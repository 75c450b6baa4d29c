//! The code of an ending: one type for every way a stream is refused or ends.
//!
//! An ending arrives as a number, a text, a status or a silence; here each is a [`Code`]. The catalogue
//! documents what a code means; the reaction table of the session decides what happens next.
//!
//! Law: [`Code::parse`] reads back what `Display` wrote, for every documented code.

use std::fmt;

pub use super::vocabulary::{
    ConnectionIssue, DisconnectType, EnterpriseError, HttpStatus, LocalCause, ProblemName, TextLine, V1Code,
};

/// The reason a stream ended or was refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Code {
    /// `disconnect.code` of a v1.1 line.
    V1(V1Code),
    /// A v1.1 `disconnect` whose code is not a number; empty if it has no readable code.
    V1Text(String),
    /// `disconnect_type` of an operational disconnect.
    Type(DisconnectType),
    /// `connection_issue` of a connection exception.
    Issue(ConnectionIssue),
    /// Name of another problem: `usage-capped`.
    Problem(ProblemName),
    /// An enterprise `error` line.
    Enterprise(EnterpriseError),
    /// A plain-text line or HTML page instead of a stream.
    Text(TextLine),
    /// An HTTP status whose body says nothing narrower.
    Status(HttpStatus),
    /// What the tool itself detected.
    Local(LocalCause),
}

/// How a v1.1 `disconnect` without a code is shown.
const V1_WITHOUT_CODE: &str = "disconnect";

impl Code {
    /// Reads what the user or a journal wrote. Letter case does not count. A number from 100 to 599 is an
    /// HTTP status, any other a v1.1 code.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let word = word.trim();
        if let Ok(number) = word.parse::<i64>() {
            let status = u16::try_from(number).ok().filter(|status| (100..600).contains(status));
            return Some(status.map_or(Self::V1(number.into()), |status| Self::Status(status.into())));
        }
        if word.eq_ignore_ascii_case(V1_WITHOUT_CODE) {
            return Some(Self::V1Text(String::new()));
        }
        LocalCause::parse(word)
            .map(Self::Local)
            .or_else(|| TextLine::parse(word).map(Self::Text))
            .or_else(|| EnterpriseError::parse(word).map(Self::Enterprise))
            .or_else(|| DisconnectType::parse(word).map(Self::Type))
            .or_else(|| ConnectionIssue::parse(word).map(Self::Issue))
            .or_else(|| ProblemName::parse(word).map(Self::Problem))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V1(code) => code.fmt(f),
            Self::V1Text(word) => f.write_str(if word.is_empty() { V1_WITHOUT_CODE } else { word }),
            Self::Type(word) => word.fmt(f),
            Self::Issue(word) => word.fmt(f),
            Self::Problem(name) => name.fmt(f),
            Self::Enterprise(error) => error.fmt(f),
            Self::Text(text) => text.fmt(f),
            Self::Status(status) => status.fmt(f),
            Self::Local(cause) => cause.fmt(f),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Every documented code. A new variant of [`Code`] does not compile until it is here.
    pub(crate) fn documented() -> Vec<Code> {
        fn list_of(code: &Code) -> Vec<Code> {
            match code {
                Code::V1(_) => V1Code::KNOWN.iter().copied().map(Code::V1).collect(),
                Code::V1Text(_) => vec![Code::V1Text(String::new())],
                Code::Type(_) => DisconnectType::KNOWN.iter().cloned().map(Code::Type).collect(),
                Code::Issue(_) => ConnectionIssue::KNOWN.iter().cloned().map(Code::Issue).collect(),
                Code::Problem(_) => ProblemName::KNOWN.iter().cloned().map(Code::Problem).collect(),
                Code::Enterprise(_) => EnterpriseError::KNOWN.iter().copied().map(Code::Enterprise).collect(),
                Code::Text(_) => TextLine::KNOWN.iter().copied().map(Code::Text).collect(),
                Code::Status(_) => HttpStatus::KNOWN.iter().copied().map(Code::Status).collect(),
                Code::Local(_) => LocalCause::KNOWN.iter().copied().map(Code::Local).collect(),
            }
        }
        [
            Code::V1(V1Code::Shutdown),
            Code::V1Text(String::new()),
            Code::Type(DisconnectType::SlowReader),
            Code::Issue(ConnectionIssue::TooManyConnections),
            Code::Problem(ProblemName::UsageCapped),
            Code::Enterprise(EnterpriseError::Forced),
            Code::Text(TextLine::Html),
            Code::Status(HttpStatus::TooManyRequests),
            Code::Local(LocalCause::Eof),
        ]
        .iter()
        .flat_map(list_of)
        .collect()
    }

    #[test]
    fn every_documented_code_reads_back_as_itself() {
        for code in documented() {
            let word = code.to_string();
            assert_eq!(Code::parse(&word).as_ref(), Some(&code), "{word}");
            assert_eq!(Code::parse(&format!(" {} ", word.to_uppercase())), Some(code), "{word}");
        }
        assert_eq!(Code::parse("-3"), Some(Code::V1(V1Code::Other(-3))));
        assert_eq!(Code::parse("418"), Some(Code::Status(HttpStatus::Other(418))));
        for word in ["nonsense", "5xx", "about:blank", ""] {
            assert_eq!(Code::parse(word), None, "{word}");
        }
    }
}
