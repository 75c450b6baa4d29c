//! The texts and numbers that identify endings, each list as an enum.
//!
//! X documents these lists but extends them without notice, so a list of X's keeps what it does not know as
//! `Other`, with the text or number that came. The wire name of a value is written once, in its row below;
//! what a value means is in the catalogue.
//!
//! Law: `KNOWN` holds every documented value, since one row makes the variant, its place there and its name.
//! Reading is the inverse of `Display`.

use std::fmt;

/// Declares one list. `closed`: texts of this tool. `words`: texts of X. `numbers`: numbers of X, of the given type.
macro_rules! vocabulary {
    ($(#[$doc:meta])* closed $name:ident { $($variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum $name { $($variant,)* }

        impl $name {
            /// Every value.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant,)*];

            /// The text shown.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        vocabulary!(@shared $name);
    };
    ($(#[$doc:meta])* words $name:ident { $($variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum $name { $($variant,)* Other(String) }

        impl $name {
            /// Every documented value.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant,)*];

            /// The text as X writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self { $(Self::$variant => $word,)* Self::Other(word) => word }
            }
        }

        impl From<&str> for $name {
            /// Letter case counts: text from a server is data.
            fn from(word: &str) -> Self {
                match word { $($word => Self::$variant,)* _ => Self::Other(word.to_owned()) }
            }
        }

        vocabulary!(@shared $name);
    };
    ($(#[$doc:meta])* numbers $name:ident: $int:ty { $($variant:ident = $number:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum $name { $($variant,)* Other($int) }

        impl $name {
            /// Every documented value.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant,)*];

            /// The number as X writes it.
            #[must_use]
            pub fn number(self) -> $int {
                match self { $(Self::$variant => $number,)* Self::Other(number) => number }
            }
        }

        impl From<$int> for $name {
            fn from(number: $int) -> Self {
                match number { $($number => Self::$variant,)* _ => Self::Other(number) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.number().fmt(f)
            }
        }
    };
    (@shared $name:ident) => {
        impl $name {
            /// Reads what the user typed: a documented text in any letter case.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::KNOWN.iter().find(|known| known.as_str().eq_ignore_ascii_case(word)).cloned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

vocabulary! {
    /// `disconnect.code` of a v1.1 line (the v1.1 streaming message types page; 13 and 14 from public reports).
    numbers V1Code: i64 {
        Shutdown = 1,
        DuplicateStream = 2,
        ControlRequest = 3,
        Stall = 4,
        Normal = 5,
        TokenRevoked = 6,
        AdminLogout = 7,
        Reserved = 8,
        MaxMessageLimit = 9,
        StreamException = 10,
        BrokerStall = 11,
        ShedLoad = 12,
        UserDeleted = 13,
        UserSuspended = 14,
    }
}

vocabulary! {
    /// `disconnect_type` of an operational disconnect (X docs: handling disconnections; `OpenAPI` 2.159).
    words DisconnectType {
        OperationalDisconnect = "OperationalDisconnect",
        UpstreamOperationalDisconnect = "UpstreamOperationalDisconnect",
        UpstreamUncleanDisconnect = "UpstreamUncleanDisconnect",
        InternalError = "InternalError",
        ForceDisconnect = "ForceDisconnect",
        SlowReader = "SlowReader",
        ClientApplicationStateDegraded = "ClientApplicationStateDegraded",
        InvalidRules = "InvalidRules",
        PackageUpgraded = "PackageUpgraded",
        PackageDowngraded = "PackageDowngraded",
    }
}

vocabulary! {
    /// `connection_issue` of a connection exception (X docs: handling disconnections; `OpenAPI` 2.159).
    words ConnectionIssue {
        TooManyConnections = "TooManyConnections",
        ProvisioningSubscription = "ProvisioningSubscription",
        RuleConfigurationIssue = "RuleConfigurationIssue",
        RulesInvalidIssue = "RulesInvalidIssue",
    }
}

vocabulary! {
    /// Names of the problems that refuse or end a stream (`OpenAPI` 2.167): the last segment of their type.
    ///
    /// Names that are about a single post, a rule or nothing in particular stay `Other`: they end no stream.
    words ProblemName {
        ClientDisconnected = "client-disconnected",
        OperationalDisconnect = "operational-disconnect",
        StreamingConnection = "streaming-connection",
        UsageCapped = "usage-capped",
        RateLimitExceeded = "rate-limit-exceeded",
        CreditsDepleted = "credits-depleted",
        Credits = "credits",
        ClientForbidden = "client-forbidden",
        UnsupportedAuthentication = "unsupported-authentication",
        Oauth1Permissions = "oauth1-permissions",
        InvalidRequest = "invalid-request",
        InvalidRules = "invalid-rules",
        NoncompliantRules = "noncompliant-rules",
        RuleCap = "rule-cap",
        Conflict = "conflict",
        InternalError = "internal-error",
    }
}

vocabulary! {
    /// Enterprise `error` lines (X docs: enterprise Gnip 2.0). They carry no code, only text.
    closed EnterpriseError {
        Forced = "forced-disconnect",
        Other = "enterprise-error",
    }
}

vocabulary! {
    /// Plain text that servers are known to send instead of a stream.
    closed TextLine {
        ConnectionLimit = "connection-limit",
        RateLimit = "rate-limit",
        Upstream = "upstream",
        Html = "html",
    }
}

vocabulary! {
    /// HTTP statuses that are documented or seen on a stream.
    numbers HttpStatus: u16 {
        BadRequest = 400,
        Unauthorized = 401,
        PaymentRequired = 402,
        Forbidden = 403,
        NotFound = 404,
        NotAcceptable = 406,
        Conflict = 409,
        TooLong = 413,
        RangeUnacceptable = 416,
        EnhanceYourCalm = 420,
        Unprocessable = 422,
        TooManyRequests = 429,
        InternalServerError = 500,
        BadGateway = 502,
        ServiceUnavailable = 503,
        GatewayTimeout = 504,
    }
}

vocabulary! {
    /// Endings that no message announces, as this tool detects them.
    closed LocalCause {
        Eof = "eof",
        Reset = "reset",
        Truncated = "truncated",
        Stall = "stall",
        UnfinishedLine = "unfinished-line",
        Dns = "dns",
        Tcp = "tcp",
        Proxy = "proxy",
        Tls = "tls",
        Certificate = "certificate",
        ConnectTimeout = "connect-timeout",
        HeadTimeout = "head-timeout",
        Http = "http",
        Gzip = "gzip",
        Redirect = "redirect",
        Quota = "quota",
    }
}

impl EnterpriseError {
    /// Reads the message of an `error` line.
    #[must_use]
    pub fn from_message(message: Option<&str>) -> Self {
        match message {
            Some(text) if starts_with(text.as_bytes(), "Forced Disconnect") => Self::Forced,
            _ => Self::Other,
        }
    }
}

impl TextLine {
    /// The known text that a line begins with, white space aside; none for any other line.
    #[must_use]
    pub fn from_line(line: &[u8]) -> Option<Self> {
        let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line).trim_ascii_start();
        [
            ("<", Self::Html),
            ("Exceeded connection limit for user", Self::ConnectionLimit),
            ("Rate limit exceeded", Self::RateLimit),
            ("upstream connect error", Self::Upstream),
        ]
        .into_iter()
        .find_map(|(text, known)| starts_with(line, text).then_some(known))
    }
}

fn starts_with(line: &[u8], text: &str) -> bool {
    line.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_undocumented_value_keeps_its_text() {
        for word in ["", "slowreader", "SomethingNew"] {
            assert_eq!(DisconnectType::from(word), DisconnectType::Other(word.to_owned()));
            assert_eq!(DisconnectType::from(word).to_string(), word);
        }
        assert_eq!(DisconnectType::parse("slowreader"), Some(DisconnectType::SlowReader));
        assert_eq!(V1Code::from(i64::MIN).to_string(), i64::MIN.to_string());
        assert_eq!(HttpStatus::from(418), HttpStatus::Other(418));
    }

    #[test]
    fn every_documented_value_reads_back_from_the_wire() {
        assert!(DisconnectType::KNOWN.iter().all(|known| DisconnectType::from(known.as_str()) == *known));
        assert!(ConnectionIssue::KNOWN.iter().all(|known| ConnectionIssue::from(known.as_str()) == *known));
        assert!(ProblemName::KNOWN.iter().all(|known| ProblemName::from(known.as_str()) == *known));
        assert!(V1Code::KNOWN.iter().all(|known| V1Code::from(known.number()) == *known));
        assert!(HttpStatus::KNOWN.iter().all(|known| HttpStatus::from(known.number()) == *known));
    }

    #[test]
    fn known_text_is_known_by_its_beginning() {
        for (line, known) in [
            ("Exceeded connection limit for user\n", Some(TextLine::ConnectionLimit)),
            (" rate limit exceeded", Some(TextLine::RateLimit)),
            ("upstream connect error or disconnect/reset before headers", Some(TextLine::Upstream)),
            ("\r\n <html>", Some(TextLine::Html)),
            ("\u{feff}<!DOCTYPE html>", Some(TextLine::Html)),
            ("{\"text\":\"Rate limit exceeded\"}", None),
            ("Rate", None),
            ("", None),
        ] {
            assert_eq!(TextLine::from_line(line.as_bytes()), known, "{line}");
        }
        assert_eq!(TextLine::from_line(b"\xff\xfe"), None);
    }
}
