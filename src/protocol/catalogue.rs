//! The catalogue of endings: what each code means, whose side it is, what `tail` does, what a person can do.
//!
//! These texts are the same wherever an ending is told, so they are written down once, each with the document
//! it comes from. Deciding is not done here: a table in `session/` does that.

use std::fmt;

use super::disconnect::Code;

/// Who can change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// This machine, this tool, the program that reads from it, or the app's other clients.
    Ours,
    /// X's servers.
    X,
    /// The account: its access, quota, credits or state.
    Account,
    /// The network between, a proxy included.
    Network,
    /// It cannot be told from the ending alone.
    Unknown,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ours => "our side",
            Self::X => "X's side",
            Self::Account => "the account",
            Self::Network => "the network",
            Self::Unknown => "unknown",
        })
    }
}

/// Where a code comes from; a code is unique within its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// Codes of v1.1 `disconnect` lines.
    V1,
    /// Values of `disconnect_type`.
    Type,
    /// Values of `connection_issue`.
    Issue,
    /// Names of other problems.
    Problem,
    /// Enterprise error lines.
    Enterprise,
    /// Plain text where a stream was promised.
    Text,
    /// HTTP statuses.
    Status,
    /// What the tool itself sees.
    Own,
    /// Errors and warnings within a stream that end nothing.
    Passing,
}

impl Group {
    /// Every group, in the order they are listed.
    pub const ALL: [Self; 9] = [
        Self::V1,
        Self::Type,
        Self::Issue,
        Self::Problem,
        Self::Enterprise,
        Self::Text,
        Self::Status,
        Self::Own,
        Self::Passing,
    ];

    /// The line over its entries in a list.
    #[must_use]
    pub fn heading(self) -> &'static str {
        match self {
            Self::V1 => "v1.1 disconnect codes",
            Self::Type => "v2 disconnect_type: why X ended a stream",
            Self::Issue => "v2 connection_issue: why X refused a connection",
            Self::Problem => "other v2 problems, by the last word of their type",
            Self::Enterprise => "enterprise error lines",
            Self::Text => "text where a stream was promised",
            Self::Status => "HTTP statuses",
            Self::Own => "what xstream itself sees",
            Self::Passing => "errors and warnings that end nothing",
        }
    }
}

/// What is known about one ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The code as shown.
    pub code: &'static str,
    /// Short name to show beside the code.
    pub name: &'static str,
    /// What it means: a fragment without a full stop, at most 110 characters.
    pub meaning: &'static str,
    /// Whose side it is on.
    pub side: Side,
    /// What the user can do: an imperative fragment.
    pub advice: &'static str,
    /// What `tail` does about it.
    pub does: &'static str,
    /// The document that says so.
    pub source: &'static str,
    /// What else is worth knowing, a sentence or two each; told by `explain` alone.
    pub notes: &'static [&'static str],
    /// Where the code comes from.
    pub group: Group,
    /// True for the entry of all undocumented codes of a group; its `code` is a label, not a code.
    pub generic: bool,
}

/// The entry for a word: a code, or the label of a generic entry such as `5xx`. Letter case does not
/// count. None for a word that is neither.
#[must_use]
pub fn find(word: &str) -> Option<&'static Entry> {
    let word = word.trim();
    Code::parse(word)
        .map(|code| code.entry())
        .or_else(|| ENTRIES.iter().find(|entry| entry.generic && entry.code.eq_ignore_ascii_case(word)))
}

/// Every entry that a person may mean by a word, endings first: its code, else its name. A status that no
/// page lists means the entry of its class; any other number without an entry means nothing.
#[must_use]
pub fn search(word: &str) -> Vec<&'static Entry> {
    let word = word.trim();
    let all = || ENTRIES.iter().chain(PASSING);
    let coded: Vec<_> = all().filter(|entry| entry.code.eq_ignore_ascii_case(word)).collect();
    if !coded.is_empty() {
        return coded;
    }
    match Code::parse(word) {
        Some(code @ (Code::Status(_) | Code::V1Text(_))) => vec![code.entry()],
        Some(_) => Vec::new(),
        None => all().filter(|entry| entry.name.eq_ignore_ascii_case(word)).collect(),
    }
}

/// Exact spelling: a server's word is data, and a generic entry is never reached by its label.
pub(super) fn find_in(group: Group, code: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.group == group && !entry.generic && entry.code == code)
}

const fn other(entry: Entry) -> Entry {
    Entry { generic: true, ..entry }
}

const fn noted(entry: Entry, notes: &'static [&'static str]) -> Entry {
    Entry { notes, ..entry }
}

const V1_PAGE: &str = "the v1.1 streaming message types page";
const V1_CONNECTING: &str = "the v1.1 \"Connecting to a streaming endpoint\" page";
const DISCONNECTIONS: &str = "X docs: handling disconnections";
const CONSUMING: &str = "X docs: consuming streaming data";
const CODES: &str = "X docs: response codes and errors";
const RATES: &str = "X docs: rate limits";
const SPEC_OLD: &str = "OpenAPI 2.159";
const SPEC: &str = "OpenAPI 2.167";
const GNIP: &str = "X docs: enterprise Gnip 2.0";
const SEEN: &str = "seen in public reports, in no published table";
const HERE: &str = "xstream's own";

const AT_ONCE: &str = "reconnects at once if the stream was established, else after 5 s, doubling to 320 s";
const SLOW: &str = "warns that the reader is slow; reconnects at once if the stream was established, else after 5 s, doubling to 320 s";
const TAKEN: &str = "waits 60 s, doubling to 900 s; three take-overs in 30 minutes stop it with exit 5";
const HTTP_LADDER: &str = "tries again after 5 s, doubling to 320 s";
const NETWORK_LADDER: &str = "tries again with 250 ms more wait each time, up to 16 s";
const PENALTY: &str = "waits 60 s, doubling to 900 s";
const RATE_WAIT: &str =
    "waits until x-rate-limit-reset and 1 to 2 s more; without a usable reset 60 s, doubling to 900 s";
const CONNECTIONS_WAIT: &str = "waits 20 s, then 60 s, doubling to 900 s";
const MINUTE: &str = "reconnects after 60 s";
const FATAL: &str = "stops with exit 3";
const LOG_IN_ELSEWHERE: &str =
    "find the other client that uses the same credentials (`xstream connections` lists it) and stop it";
const READ_FASTER: &str = "make the program that reads faster, ask for fewer fields, or put a file or queue between";
const CHECK_RULES: &str = "list the rules (xstream rules), then repair or delete the wrong ones";
const NOTHING: &str = "do nothing; if it repeats for hours, look at X's status page, https://developer.x.com/status";

/// Where X tells its faults, and where it told them before.
pub const STATUS_PAGE: &str = "https://developer.x.com/status (older: https://api.twitterstat.us/)";

const FLAVOURS: &str = "The body of a 429 tells three apart. Rate: `about:blank`, `rate-limit-exceeded` or v1.1 code 88; tail \
    waits for the reset. Connections: `TooManyConnections`; tail waits 20 s, then 60 s, doubling to 900 s. Quota: \
    `usage-capped`; tail stops with exit 3, since trying again does not help.";
const WHY_429: &str = "A 429 can come although the rate limit is not used up, for three reasons.";
const ATTEMPTS: &str =
    "The attempts of this 15-minute window are spent: each request for a stream counts, also one that is refused.";
const OTHER_CLIENT: &str = "Another client of the same app is connected and holds the place.";
const GHOST: &str = "A connection that did not end cleanly (packet loss, a burst the client could not take, a TCP reset) \
    is still open in X's eyes and holds its place. It times out by itself, on a quiet stream in up to 20 s.";
const NO_FIGHT: &str = "Two clients that reconnect whenever the other one took over throw each other off for ever. tail \
    therefore waits longer each time and stops at the third.";
const QUEUE: &str = "X queues messages for each connection and closes it when the queue has grown too large. The notice may \
    not fit through the full queue: then the same fault shows as a bare close (`eof`, `reset`).";
const EOF: &str = "Streaming servers are restarted for each new version of X, so a close every few hours is normal. A close \
    soon after the data stopped being read is the slow reader's: see `explain SlowReader`.";
const UNCLEAN: &str = "Connections that die uncleanly again and again come from the network between: try another network (a \
    phone's will do), leave out the proxy or VPN, and ask the provider.";
const CLOCK: &str = "On v1.1 streams (OAuth 1.0a) a wrong clock is a usual cause.";
const CAP: &str = "X names the period (Daily, Monthly) and the scope (Account, Product) in the answer.";
const FORBIDDEN: &str = "Its `reason` is client-not-enrolled (the app belongs to no project with the access) or \
    official-client-forbidden (the token is that of one of X's own apps).";
const GOES_BY_STATUS: &str = "goes by the HTTP status it came with";
const LOST_POST: &str = "tells it, does not count it as an ending, and reads on";

#[allow(clippy::too_many_arguments)] // One call is one row of a table, read across.
const fn row(
    group: Group,
    code: &'static str,
    name: &'static str,
    side: Side,
    meaning: &'static str,
    advice: &'static str,
    does: &'static str,
    source: &'static str,
) -> Entry {
    Entry { code, name, meaning, side, advice, does, source, notes: &[], group, generic: false }
}

pub(super) const V1_OTHER: Entry = other(row(
    Group::V1,
    "v1-other",
    "Unknown v1.1 code",
    Side::Unknown,
    "a v1.1 disconnect with a code that no page lists",
    "read the reason that came with it",
    AT_ONCE,
    V1_PAGE,
));
pub(super) const TYPE_OTHER: Entry = other(row(
    Group::Type,
    "other-type",
    "Unknown disconnect type",
    Side::Unknown,
    "X ended the stream with a disconnect type that no page lists",
    "read the detail that came with it",
    AT_ONCE,
    DISCONNECTIONS,
));
pub(super) const ISSUE_OTHER: Entry = other(row(
    Group::Issue,
    "other-issue",
    "Unknown connection issue",
    Side::Unknown,
    "X refused the connection for an issue that no page lists",
    "read the detail that came with it",
    PENALTY,
    DISCONNECTIONS,
));
pub(super) const PROBLEM_OTHER: Entry = other(row(
    Group::Problem,
    "other-problem",
    "Unknown problem",
    Side::Unknown,
    "X ended the stream with a problem that no page lists",
    "read the detail that came with it",
    AT_ONCE,
    CODES,
));
pub(super) const STATUS_3XX: Entry = other(row(
    Group::Status,
    "3xx",
    "Redirect status",
    Side::Ours,
    "the server points elsewhere; the token does not follow",
    "check --base-url and the proxy",
    FATAL,
    HERE,
));
pub(super) const STATUS_4XX: Entry = other(row(
    Group::Status,
    "4xx",
    "Other client error",
    Side::Ours,
    "the request was refused with a status that X does not document for streams",
    "read the text that came with it",
    FATAL,
    CODES,
));
pub(super) const STATUS_5XX: Entry = other(row(
    Group::Status,
    "5xx",
    "Other server error",
    Side::X,
    "the server failed with a status that X does not document for streams",
    NOTHING,
    HTTP_LADDER,
    CODES,
));
pub(super) const STATUS_OTHER: Entry = other(row(
    Group::Status,
    "other-status",
    "Unexpected status",
    Side::Unknown,
    "a status that begins no stream and reports no error",
    "check --base-url and the proxy",
    FATAL,
    HERE,
));

/// Every ending, in the order `explain` lists them: v1.1 codes, v2 words, problems, enterprise, text,
/// statuses, our own. A group's generic entry comes last.
pub static ENTRIES: &[Entry] = &[
    row(
        Group::V1,
        "1",
        "Shutdown",
        Side::X,
        "the feed was shut down, usually for a restart of the server",
        NOTHING,
        AT_ONCE,
        V1_PAGE,
    ),
    noted(
        row(
            Group::V1,
            "2",
            "Duplicate stream",
            Side::Ours,
            "the same endpoint was opened too often with the same credentials",
            LOG_IN_ELSEWHERE,
            TAKEN,
            V1_PAGE,
        ),
        &[NO_FIGHT],
    ),
    row(
        Group::V1,
        "3",
        "Control request",
        Side::Ours,
        "a control stream closed this site stream",
        "open the stream again if that was not meant",
        "stops with exit 5",
        V1_PAGE,
    ),
    noted(
        row(
            Group::V1,
            "4",
            "Stall",
            Side::Ours,
            "the client read too slowly and was forced off",
            READ_FASTER,
            SLOW,
            V1_PAGE,
        ),
        &[QUEUE],
    ),
    row(
        Group::V1,
        "5",
        "Normal",
        Side::Ours,
        "the server saw the client end the stream",
        "look for a proxy that closes connections if nothing here did",
        AT_ONCE,
        V1_PAGE,
    ),
    row(
        Group::V1,
        "6",
        "Token revoked",
        Side::Account,
        "the user or X revoked the token",
        "make a new token in the developer portal",
        FATAL,
        V1_PAGE,
    ),
    noted(
        row(
            Group::V1,
            "7",
            "Admin logout",
            Side::Ours,
            "the same credentials connected elsewhere and the oldest connection was dropped",
            LOG_IN_ELSEWHERE,
            TAKEN,
            V1_PAGE,
        ),
        &[NO_FIGHT],
    ),
    row(
        Group::V1,
        "8",
        "Reserved",
        Side::Unknown,
        "reserved by X and without a meaning",
        "report it, with the line that came, to whoever runs the stream",
        AT_ONCE,
        V1_PAGE,
    ),
    row(
        Group::V1,
        "9",
        "Max message limit",
        Side::Ours,
        "all messages that a negative count asked for were delivered",
        "do nothing; this is success",
        "stops with exit 0",
        V1_PAGE,
    ),
    row(Group::V1, "10", "Stream exception", Side::X, "an internal error ended the stream", NOTHING, AT_ONCE, V1_PAGE),
    row(Group::V1, "11", "Broker stall", Side::X, "a host inside X stalled", NOTHING, AT_ONCE, V1_PAGE),
    row(
        Group::V1,
        "12",
        "Shed load",
        Side::X,
        "the host was overloaded and shed connections; there is no need to wait",
        NOTHING,
        AT_ONCE,
        V1_PAGE,
    ),
    row(
        Group::V1,
        "13",
        "User deleted",
        Side::Account,
        "the account behind the credentials was deleted",
        "use credentials of another account",
        FATAL,
        SEEN,
    ),
    row(
        Group::V1,
        "14",
        "User suspended",
        Side::Account,
        "the account behind the credentials was suspended",
        "ask X why the account is suspended, or use another",
        FATAL,
        SEEN,
    ),
    V1_OTHER,
    row(
        Group::Type,
        "OperationalDisconnect",
        "Operational disconnect",
        Side::X,
        "the server ended the stream for operational reasons",
        NOTHING,
        AT_ONCE,
        DISCONNECTIONS,
    ),
    row(
        Group::Type,
        "UpstreamOperationalDisconnect",
        "Upstream operational disconnect",
        Side::X,
        "a server behind the one we talk to ended the stream for operational reasons",
        NOTHING,
        AT_ONCE,
        DISCONNECTIONS,
    ),
    row(
        Group::Type,
        "UpstreamUncleanDisconnect",
        "Upstream unclean disconnect",
        Side::X,
        "the connection between two of X's own servers broke",
        NOTHING,
        AT_ONCE,
        SPEC_OLD,
    ),
    row(
        Group::Type,
        "InternalError",
        "Internal error",
        Side::X,
        "a fault inside X ended the stream",
        NOTHING,
        AT_ONCE,
        SPEC_OLD,
    ),
    noted(
        row(
            Group::Type,
            "ForceDisconnect",
            "Force disconnect",
            Side::Ours,
            "somebody or something replaced or killed this connection",
            LOG_IN_ELSEWHERE,
            "waits 20 s, then 5 s, doubling to 320 s; three take-overs in 30 minutes stop it with exit 5",
            SPEC_OLD,
        ),
        &[NO_FIGHT],
    ),
    noted(
        row(
            Group::Type,
            "SlowReader",
            "Slow reader",
            Side::Ours,
            "messages piled up at X because they were read too slowly",
            READ_FASTER,
            SLOW,
            SPEC_OLD,
        ),
        &[QUEUE],
    ),
    row(
        Group::Type,
        "ClientApplicationStateDegraded",
        "Application state degraded",
        Side::Account,
        "X restricted the app or its account",
        "look at the app in the developer portal",
        "warns, and waits 60 s, doubling to 900 s",
        SPEC_OLD,
    ),
    row(
        Group::Type,
        "InvalidRules",
        "Invalid rules",
        Side::Ours,
        "the rules of the stream are not valid any longer",
        CHECK_RULES,
        FATAL,
        SPEC_OLD,
    ),
    row(
        Group::Type,
        "PackageUpgraded",
        "Package upgraded",
        Side::Account,
        "the account's access package was upgraded",
        "do nothing; check the new limits",
        MINUTE,
        SPEC_OLD,
    ),
    row(
        Group::Type,
        "PackageDowngraded",
        "Package downgraded",
        Side::Account,
        "the account's access package was downgraded",
        "check in the developer portal what the account may still read",
        MINUTE,
        SPEC_OLD,
    ),
    TYPE_OTHER,
    noted(
        row(
            Group::Issue,
            "TooManyConnections",
            "Too many connections",
            Side::Ours,
            "refused: all connections of the app are in use, or X still counts one that is gone",
            "see who is connected (xstream connections) and free the slot (xstream connections kill ID, or tail --take-over); the rate limit is not the cause",
            CONNECTIONS_WAIT,
            DISCONNECTIONS,
        ),
        &[WHY_429, OTHER_CLIENT, GHOST],
    ),
    row(
        Group::Issue,
        "ProvisioningSubscription",
        "Provisioning subscription",
        Side::Account,
        "X is setting up a change of the subscription",
        "wait a minute",
        MINUTE,
        SPEC_OLD,
    ),
    row(
        Group::Issue,
        "RuleConfigurationIssue",
        "No rules",
        Side::Ours,
        "the filtered stream has no rules to match posts with",
        "add a rule, such as: xstream rules add 'cat has:images'",
        FATAL,
        DISCONNECTIONS,
    ),
    row(
        Group::Issue,
        "RulesInvalidIssue",
        "Rules invalid",
        Side::Ours,
        "the rules of the filtered stream are not valid",
        CHECK_RULES,
        FATAL,
        SPEC_OLD,
    ),
    ISSUE_OTHER,
    row(
        Group::Problem,
        "client-disconnected",
        "Client disconnected",
        Side::Ours,
        "X says that the client disconnected",
        "look for a proxy that closes connections if nothing here did",
        AT_ONCE,
        SPEC,
    ),
    row(
        Group::Problem,
        "operational-disconnect",
        "Operational disconnect",
        Side::X,
        "X ended the stream for operational reasons and did not name a type",
        NOTHING,
        AT_ONCE,
        DISCONNECTIONS,
    ),
    row(
        Group::Problem,
        "streaming-connection",
        "Connection exception",
        Side::Unknown,
        "X refused the connection and did not name the issue",
        "read the detail; see who is connected (xstream connections)",
        PENALTY,
        DISCONNECTIONS,
    ),
    noted(
        row(
            Group::Problem,
            "usage-capped",
            "Usage cap exceeded",
            Side::Account,
            "the daily or monthly quota of posts is used up; trying again does not help",
            "wait for the quota's next period, or raise the cap in the developer portal; xstream usage shows it",
            FATAL,
            SPEC,
        ),
        &[CAP],
    ),
    noted(
        row(
            Group::Problem,
            "rate-limit-exceeded",
            "Rate limit exceeded",
            Side::Ours,
            "too many connection requests in this 15-minute window",
            "wait for the reset, and look for another client of the same app that reconnects too often",
            RATE_WAIT,
            RATES,
        ),
        &[ATTEMPTS],
    ),
    row(
        Group::Problem,
        "credits-depleted",
        "Credits depleted",
        Side::Account,
        "the account has no credits left",
        "buy credits in the developer portal",
        FATAL,
        SEEN,
    ),
    row(
        Group::Problem,
        "credits",
        "Credits",
        Side::Account,
        "the account's credits do not cover the request",
        "buy credits in the developer portal",
        FATAL,
        SPEC,
    ),
    noted(
        row(
            Group::Problem,
            "client-forbidden",
            "Client forbidden",
            Side::Account,
            "the app does not have the access that this stream needs",
            "attach the app to a project with the access, in the developer portal",
            FATAL,
            SPEC,
        ),
        &[FORBIDDEN],
    ),
    row(
        Group::Problem,
        "unsupported-authentication",
        "Unsupported authentication",
        Side::Ours,
        "this stream does not take this kind of token",
        "use the app-only bearer token of the app",
        FATAL,
        SPEC,
    ),
    row(
        Group::Problem,
        "oauth1-permissions",
        "OAuth 1.0a permissions",
        Side::Account,
        "the app's OAuth 1.0a permissions do not allow the request",
        "use the app-only bearer token of the app",
        FATAL,
        SPEC,
    ),
    row(
        Group::Problem,
        "invalid-request",
        "Invalid request",
        Side::Ours,
        "a parameter of the request is wrong, or the account may not use it",
        "correct the parameter named; leave out backfill if the account has no access to it",
        FATAL,
        SPEC,
    ),
    row(
        Group::Problem,
        "invalid-rules",
        "Invalid rules",
        Side::Ours,
        "a rule has wrong syntax or uses an operator the account may not use",
        CHECK_RULES,
        FATAL,
        SPEC,
    ),
    row(
        Group::Problem,
        "noncompliant-rules",
        "Noncompliant rules",
        Side::Ours,
        "a rule breaks X's policy",
        CHECK_RULES,
        FATAL,
        SPEC,
    ),
    row(
        Group::Problem,
        "rule-cap",
        "Rule cap",
        Side::Account,
        "the account has as many rules as it may have",
        "delete rules, or join several into one",
        FATAL,
        SPEC,
    ),
    row(
        Group::Problem,
        "conflict",
        "Conflict",
        Side::Ours,
        "the request contradicts the state of the stream, usually because it has no rules",
        "add a rule, such as: xstream rules add 'cat has:images'",
        FATAL,
        SPEC,
    ),
    row(
        Group::Problem,
        "internal-error",
        "Internal error",
        Side::X,
        "X reports an internal error",
        NOTHING,
        HTTP_LADDER,
        SPEC,
    ),
    PROBLEM_OTHER,
    noted(
        row(
            Group::Enterprise,
            "forced-disconnect",
            "Forced disconnect",
            Side::Ours,
            "more connections than the enterprise account allows; the newest is dropped",
            LOG_IN_ELSEWHERE,
            TAKEN,
            GNIP,
        ),
        &[NO_FIGHT],
    ),
    row(
        Group::Enterprise,
        "enterprise-error",
        "Enterprise error",
        Side::Unknown,
        "an enterprise error line: full buffer, bad range or operational close",
        "read the message that came with it",
        AT_ONCE,
        GNIP,
    ),
    row(
        Group::Text,
        "connection-limit",
        "Connection limit",
        Side::Ours,
        "text instead of a stream: the user has too many connections or tries too often",
        LOG_IN_ELSEWHERE,
        PENALTY,
        V1_CONNECTING,
    ),
    row(
        Group::Text,
        "rate-limit",
        "Rate limit text",
        Side::Ours,
        "text instead of a stream: the rate of requests is exceeded",
        "wait, and look for another client of the same app that reconnects too often",
        RATE_WAIT,
        V1_CONNECTING,
    ),
    row(
        Group::Text,
        "upstream",
        "Upstream error text",
        Side::X,
        "text instead of a stream: X's front server cannot reach the server behind it",
        NOTHING,
        HTTP_LADDER,
        SEEN,
    ),
    row(
        Group::Text,
        "html",
        "HTML page",
        Side::Unknown,
        "an HTML page instead of a stream, from X or from a proxy between",
        "read the page's text; try without the proxy, or another network",
        HTTP_LADDER,
        SEEN,
    ),
    row(Group::Status, "400", "Bad Request", Side::Ours, "the request is wrong", "check the parameters", FATAL, CODES),
    noted(
        row(
            Group::Status,
            "401",
            "Unauthorized",
            Side::Ours,
            "the token is wrong or revoked, or this stream takes another kind",
            "check the token; make a new one in the developer portal",
            FATAL,
            CODES,
        ),
        &[CLOCK],
    ),
    row(
        Group::Status,
        "402",
        "Payment Required",
        Side::Account,
        "the account has to pay first",
        "buy credits in the developer portal",
        FATAL,
        SEEN,
    ),
    row(
        Group::Status,
        "403",
        "Forbidden",
        Side::Account,
        "the token is good, but the account may not read this stream",
        "check the app's access level in the developer portal; v1.1 streams are switched off, use `filtered` or `sample`",
        FATAL,
        CODES,
    ),
    row(
        Group::Status,
        "404",
        "Not Found",
        Side::Ours,
        "there is no such stream",
        "check the stream's name, the path and --base-url",
        FATAL,
        CODES,
    ),
    row(
        Group::Status,
        "406",
        "Not Acceptable",
        Side::Ours,
        "v1.1: no valid predicate; enterprise: gzip is required",
        "give --track, --follow or --locations; leave out --no-gzip",
        FATAL,
        V1_CONNECTING,
    ),
    row(
        Group::Status,
        "409",
        "Conflict",
        Side::Ours,
        "the filtered stream has no rules",
        "add a rule, such as: xstream rules add 'cat has:images'",
        FATAL,
        SEEN,
    ),
    row(
        Group::Status,
        "413",
        "Too Long",
        Side::Ours,
        "a parameter list is longer than v1.1 allows",
        "give fewer track words, users or locations",
        FATAL,
        V1_CONNECTING,
    ),
    row(
        Group::Status,
        "416",
        "Range Unacceptable",
        Side::Ours,
        "v1.1: count is not allowed for this stream or this account",
        "leave out count",
        FATAL,
        V1_CONNECTING,
    ),
    noted(
        row(
            Group::Status,
            "420",
            "Enhance Your Calm",
            Side::Ours,
            "v1.1: too many connections or connection attempts",
            LOG_IN_ELSEWHERE,
            PENALTY,
            V1_CONNECTING,
        ),
        &[OTHER_CLIENT, GHOST],
    ),
    row(
        Group::Status,
        "422",
        "Unprocessable",
        Side::Ours,
        "a rule or a value in the request is not valid",
        CHECK_RULES,
        FATAL,
        CODES,
    ),
    noted(
        row(
            Group::Status,
            "429",
            "Too Many Requests",
            Side::Ours,
            "too many connection requests; a 429 can come although the rate limit is not used up",
            "wait; then look for another client of the same app, or a connection of ours that X believes open (xstream connections)",
            RATE_WAIT,
            RATES,
        ),
        &[FLAVOURS, WHY_429, ATTEMPTS, OTHER_CLIENT, GHOST],
    ),
    row(Group::Status, "500", "Internal Server Error", Side::X, "a fault inside X", NOTHING, HTTP_LADDER, CODES),
    row(Group::Status, "502", "Bad Gateway", Side::X, "X is down or being upgraded", NOTHING, HTTP_LADDER, CODES),
    row(
        Group::Status,
        "503",
        "Service Unavailable",
        Side::X,
        "X is up but overloaded, or a server behind its front server is not reachable",
        NOTHING,
        HTTP_LADDER,
        CODES,
    ),
    row(
        Group::Status,
        "504",
        "Gateway Timeout",
        Side::X,
        "a server behind X's front server did not answer in time",
        NOTHING,
        HTTP_LADDER,
        CODES,
    ),
    STATUS_3XX,
    STATUS_4XX,
    STATUS_5XX,
    STATUS_OTHER,
    noted(
        row(
            Group::Own,
            "eof",
            "End of stream",
            Side::X,
            "the server closed the stream in order and gave no reason; usually a restart, or a slow reader",
            NOTHING,
            AT_ONCE,
            CONSUMING,
        ),
        &[EOF],
    ),
    noted(
        row(
            Group::Own,
            "reset",
            "Connection reset",
            Side::Network,
            "the connection broke without an ending",
            "try another network or ask the provider if it repeats",
            AT_ONCE,
            CONSUMING,
        ),
        &[UNCLEAN, GHOST],
    ),
    noted(
        row(
            Group::Own,
            "truncated",
            "Cut body",
            Side::Network,
            "the body ended in the middle: its last chunk never came",
            "try another network or ask the provider if it repeats",
            AT_ONCE,
            CONSUMING,
        ),
        &[UNCLEAN, GHOST],
    ),
    noted(
        row(
            Group::Own,
            "stall",
            "Stall",
            Side::Network,
            "no byte for longer than the stall limit, not even a keep-alive",
            "try another network if it repeats; raise --stall-timeout if it comes every minute",
            "reconnects at once if the stream was established; stalls that repeat wait 250 ms more each time, up to 16 s",
            CONSUMING,
        ),
        &[UNCLEAN, GHOST],
    ),
    row(
        Group::Own,
        "unfinished-line",
        "Unfinished line",
        Side::Unknown,
        "bytes came, but one line stayed unfinished for three stall limits",
        "look for a proxy that holds data back",
        AT_ONCE,
        HERE,
    ),
    row(
        Group::Own,
        "dns",
        "Name not found",
        Side::Network,
        "the host name has no address",
        "check the network, the name and --base-url",
        NETWORK_LADDER,
        CONSUMING,
    ),
    row(
        Group::Own,
        "tcp",
        "No connection",
        Side::Network,
        "the host does not take the connection",
        "check the network, the firewall and --base-url",
        NETWORK_LADDER,
        CONSUMING,
    ),
    row(
        Group::Own,
        "proxy",
        "Proxy refused",
        Side::Network,
        "the proxy does not answer or does not let the connection through",
        "check --proxy, HTTPS_PROXY and NO_PROXY",
        NETWORK_LADDER,
        HERE,
    ),
    row(
        Group::Own,
        "tls",
        "TLS failed",
        Side::Network,
        "the TLS handshake failed",
        "look for a proxy or firewall that opens TLS",
        NETWORK_LADDER,
        CONSUMING,
    ),
    row(
        Group::Own,
        "certificate",
        "Certificate not trusted",
        Side::Ours,
        "the certificate of the host is not trusted here",
        "check the clock; give a proxy's own certificate with --cacert",
        FATAL,
        HERE,
    ),
    row(
        Group::Own,
        "connect-timeout",
        "Connecting too slow",
        Side::Network,
        "the connection was not made in time",
        "check the network; raise --connect-timeout on a slow one",
        NETWORK_LADDER,
        HERE,
    ),
    row(
        Group::Own,
        "head-timeout",
        "No answer",
        Side::X,
        "connected, but the head of the response did not come in time",
        NOTHING,
        HTTP_LADDER,
        HERE,
    ),
    row(
        Group::Own,
        "http",
        "Broken HTTP",
        Side::Network,
        "what came is not HTTP, or its chunk framing is broken",
        "look for a proxy that rewrites what passes; check --base-url",
        AT_ONCE,
        HERE,
    ),
    row(
        Group::Own,
        "gzip",
        "Broken gzip",
        Side::Network,
        "the compressed data is broken",
        "try --no-gzip if it repeats",
        AT_ONCE,
        HERE,
    ),
    row(
        Group::Own,
        "redirect",
        "Redirect",
        Side::Ours,
        "the server points elsewhere; the token does not follow",
        "check --base-url and the proxy",
        FATAL,
        HERE,
    ),
    row(
        Group::Own,
        "quota",
        "Quota spent",
        Side::Ours,
        "as many posts as --quota allows in this UTC day or month were delivered",
        "wait for the period to turn (--quota-wait does), or raise --quota",
        "closes the connection and stops with exit 3; with --quota-wait resumes when the period turns",
        HERE,
    ),
];

/// What X says besides endings: warnings, and errors about a single post or request. The status row never shows one
/// of these as the last code; they are here because people meet the words.
pub static PASSING: &[Entry] = &[
    row(
        Group::Passing,
        "limit",
        "Limit",
        Side::Account,
        "more posts matched than this access delivers; the number counts from the start of the connection",
        "narrow the rules or the track words; posts held back cannot be had from this stream",
        "tells it, and reads on",
        V1_PAGE,
    ),
    row(
        Group::Passing,
        "FALLING_BEHIND",
        "Falling behind",
        Side::Ours,
        "X's queue for this connection fills because it is read too slowly",
        "make the program that reads faster, or put a file or queue between",
        "tells it with how full the queue is, and reads on",
        V1_PAGE,
    ),
    row(
        Group::Passing,
        "FOLLOWS_OVER_LIMIT",
        "Follows over limit",
        Side::Account,
        "the user follows more accounts than a user stream carries",
        "do nothing; posts of some accounts will be missing",
        "tells it, and reads on",
        V1_PAGE,
    ),
    row(
        Group::Passing,
        "resource-not-found",
        "Resource not found",
        Side::Unknown,
        "an object that a post refers to does not exist any longer",
        "do nothing",
        LOST_POST,
        SPEC,
    ),
    row(
        Group::Passing,
        "resource-unavailable",
        "Resource unavailable",
        Side::X,
        "an object that a post refers to cannot be read at the moment",
        "do nothing",
        LOST_POST,
        SPEC,
    ),
    row(
        Group::Passing,
        "not-authorized-for-resource",
        "Not authorized for resource",
        Side::Account,
        "an object that a post refers to may not be seen: protected, suspended or withheld",
        "do nothing",
        LOST_POST,
        SPEC,
    ),
    row(
        Group::Passing,
        "not-authorized-for-field",
        "Not authorized for field",
        Side::Account,
        "a field was asked for that this token may not read",
        "leave the field out",
        LOST_POST,
        SPEC,
    ),
    row(
        Group::Passing,
        "field-unauthorized",
        "Field unauthorized",
        Side::Account,
        "a field was asked for that this token may not read",
        "leave the field out",
        LOST_POST,
        SPEC,
    ),
    row(
        Group::Passing,
        "field-hydration-failure",
        "Field not filled",
        Side::X,
        "X could not fill a field of a post",
        "do nothing",
        LOST_POST,
        SPEC,
    ),
    row(
        Group::Passing,
        "disallowed-resource",
        "Disallowed resource",
        Side::Account,
        "the request asks for something this account may not have",
        "read the detail that came with it",
        LOST_POST,
        SPEC,
    ),
    row(
        Group::Passing,
        "duplicate-rules",
        "Duplicate rules",
        Side::Ours,
        "a rule was added that is there already",
        "do nothing; the rule is in force",
        GOES_BY_STATUS,
        SPEC,
    ),
    row(
        Group::Passing,
        "about:blank",
        "Generic problem",
        Side::Unknown,
        "a problem without a type of its own; its title is that of the HTTP status",
        "look up the status",
        GOES_BY_STATUS,
        SPEC,
    ),
    row(
        Group::Passing,
        "34",
        "v1.1 error 34",
        Side::Ours,
        "the page does not exist (comes with a 404)",
        "check the stream's name, the path and --base-url",
        GOES_BY_STATUS,
        V1_CONNECTING,
    ),
    row(
        Group::Passing,
        "88",
        "v1.1 error 88",
        Side::Ours,
        "the rate limit is exceeded (comes with a 429)",
        "see `explain 429`",
        RATE_WAIT,
        V1_CONNECTING,
    ),
];

/// A subject that is larger than one code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic {
    /// The word that asks for it.
    pub name: &'static str,
    /// What it is about, a fragment without a full stop.
    pub title: &'static str,
    /// What there is to say, in order.
    pub points: &'static [&'static str],
    /// The documents that say so.
    pub source: &'static str,
}

/// The topics.
pub static TOPICS: &[Topic] = &[Topic {
    name: "reasons",
    title: "the eight documented reasons why a streaming connection ends",
    points: &[
        "Authentication (our side): a wrong token, or the wrong method. Shows as 401 or 403 when connecting.",
        "A streaming server restarts (X's side), usually for a new version: normal, a client must be built for it. Shows as \
         eof or reset, often after hours, OperationalDisconnect, or v1.1 code 1 or 12.",
        "Reading too slowly (our side): X queues messages for each connection and closes it when the queue has grown too \
         large. Shows as SlowReader, code 4, FALLING_BEHIND before it, or a bare close.",
        "The daily or monthly quota of posts is used up (the account). Shows as usage-capped, then refusals.",
        "Too many redundant connections are open (our side). Shows as TooManyConnections, code 2 or 7, or \
         ForceDisconnect.",
        "The client suddenly stops reading (our side): the rate it reads at drops at once, because its buffer is full or the \
         process was stopped. Shows as a close without notice.",
        "The network between (neither side). Shows as reset, stall, truncated, connect-timeout, tls, dns. Repeated unclean \
         ends: try another network, ask the provider.",
        "A temporary fault or maintenance at X (X's side). Shows as 5xx, code 10 or 11. X's status page tells: \
         https://developer.x.com/status (older: https://api.twitterstat.us/).",
    ],
    source: "X docs: consuming streaming data, handling disconnections",
}];
