//! The entries of the catalogue, as a table: one row per code.
//!
//! A row reads: group, code, name, side, source, meaning, advice. What `tail` does is not here: it is
//! rendered from the reaction table, so that no text contradicts the program.

use super::entry::CodeGroup::{Enterprise, Issue, Local, Passing, Problem, Status, Text, Type, V1};
use super::entry::Effect::{ByStatus, ReadsOn, SameAs};
use super::entry::Side::{Account, Network, Ours, Unknown, X};
use super::entry::{CatalogueEntry, row};

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

const STOP_OTHER_CLIENT: &str =
    "find the other client that uses the same credentials (`xstream connections` lists it) and stop it";
const READ_FASTER: &str = "make the reader process faster, request fewer fields, or put a file or a queue in between";
const CHECK_RULES: &str = "list the rules (xstream rules), then repair or delete the wrong ones";
const NOTHING: &str = "do nothing; if it repeats for hours, look at X's status page, https://developer.x.com/status";

/// Where X reports its faults, and where it did before.
pub const STATUS_PAGE: &str = "https://developer.x.com/status (older: https://api.twitterstat.us/)";

const FLAVOURS: &str = "The body of a 429 distinguishes three cases, each with a code of its own. Rate: `about:blank`, \
    `rate-limit-exceeded` or v1.1 code 88. Connections: `TooManyConnections`. Quota: `usage-capped`; trying again does \
    not help.";
const WHY_429: &str = "A 429 can come although the rate limit is not used up, for three reasons.";
const ATTEMPTS: &str =
    "The attempts of this 15-minute window are spent: each request for a stream counts, also one that is refused.";
const OTHER_CLIENT: &str = "Another client of the same app is connected and occupies the slot.";
const GHOST: &str = "A connection that did not end cleanly (packet loss, a burst too fast for the client, a TCP reset) \
    is still open in X's view and occupies its slot. It times out by itself, on an idle stream within 20 s.";
const TAKE_OVERS: &str = "Two clients that both reconnect whenever the other one took over disconnect each other without \
    end, so tail does not compete for the slot.";
const QUEUE: &str = "X queues messages for each connection and closes it when the queue has grown too large. The notice may \
    not fit through the full queue: then the same fault appears as a bare close (`eof`, `reset`).";
const EOF: &str = "Streaming servers are restarted for each new version of X, so a close every few hours is normal. A close \
    soon after the data stopped being read is the slow reader's: see `explain SlowReader`.";
const UNCLEAN: &str = "When connections break uncleanly again and again, the cause is the network in between: try another network (a \
    phone's is enough), connect without the proxy or VPN, and ask the provider.";
const CLOCK: &str = "On v1.1 streams (OAuth 1.0a) a wrong clock is a usual cause.";
const CAP: &str = "X names the period (Daily, Monthly) and the scope (Account, Product) in the answer.";
const FORBIDDEN: &str = "Its `reason` is client-not-enrolled (the app belongs to no project with the access) or \
    official-client-forbidden (the token is that of one of X's own apps).";

/// Every ending, in the order `explain` lists them: v1.1 codes, v2 types and issues, problems, enterprise, text,
/// statuses, our own. A group's generic entries come last.
#[rustfmt::skip] // Two lines per row; rustfmt would make nine.
pub static ENTRIES: &[CatalogueEntry] = &[
    row(V1, "1", "Shutdown", X, V1_PAGE, "the feed was shut down, usually for a restart of the server", NOTHING),
    row(V1, "2", "Duplicate stream", Ours, V1_PAGE,
        "the same endpoint was opened too often with the same credentials", STOP_OTHER_CLIENT).notes(&[TAKE_OVERS]),
    row(V1, "3", "Control request", Ours, V1_PAGE,
        "a control stream closed this site stream", "open the stream again if that was not meant"),
    row(V1, "4", "Stall", Ours, V1_PAGE,
        "the client read too slowly and was disconnected", READ_FASTER).notes(&[QUEUE]),
    row(V1, "5", "Normal", Ours, V1_PAGE,
        "the server saw the client end the stream", "look for a proxy that closes connections if nothing here did"),
    row(V1, "6", "Token revoked", Account, V1_PAGE,
        "the user or X revoked the token", "make a new token in the developer portal"),
    row(V1, "7", "Admin logout", Ours, V1_PAGE,
        "the same credentials connected elsewhere and the oldest connection was dropped",
        STOP_OTHER_CLIENT).notes(&[TAKE_OVERS]),
    row(V1, "8", "Reserved", Unknown, V1_PAGE,
        "reserved by X and without a meaning", "report it to X, with the line that came"),
    row(V1, "9", "Max message limit", Ours, V1_PAGE,
        "all messages that a negative count requested were delivered", "do nothing; this is success"),
    row(V1, "10", "Stream exception", X, V1_PAGE, "an internal error ended the stream", NOTHING),
    row(V1, "11", "Broker stall", X, V1_PAGE, "a host inside X stalled", NOTHING),
    row(V1, "12", "Shed load", X, V1_PAGE,
        "the host was overloaded and shed connections; there is no need to wait", NOTHING),
    row(V1, "13", "User deleted", Account, SEEN,
        "the account behind the credentials was deleted", "use credentials of another account"),
    row(V1, "14", "User suspended", Account, SEEN,
        "the account behind the credentials was suspended", "ask X why the account is suspended, or use another"),
    row(V1, "v1-other", "Unknown v1.1 code", Unknown, V1_PAGE,
        "a v1.1 disconnect with a code that no page lists", "read the reason that came with it").generic(),
    row(Type, "OperationalDisconnect", "Operational disconnect", X, DISCONNECTIONS,
        "the server ended the stream for operational reasons", NOTHING),
    row(Type, "UpstreamOperationalDisconnect", "Upstream operational disconnect", X, DISCONNECTIONS,
        "a server behind the connected one ended the stream for operational reasons", NOTHING),
    row(Type, "UpstreamUncleanDisconnect", "Upstream unclean disconnect", X, SPEC_OLD,
        "the connection between two of X's own servers broke", NOTHING),
    row(Type, "InternalError", "Internal error", X, SPEC_OLD, "a fault inside X ended the stream", NOTHING),
    row(Type, "ForceDisconnect", "Force disconnect", Ours, SPEC_OLD,
        "another client replaced this connection, or X or an operator killed it", STOP_OTHER_CLIENT).notes(&[TAKE_OVERS]),
    row(Type, "SlowReader", "Slow reader", Ours, SPEC_OLD,
        "messages piled up at X because they were read too slowly", READ_FASTER).notes(&[QUEUE]),
    row(Type, "ClientApplicationStateDegraded", "Application state degraded", Account, SPEC_OLD,
        "X restricted the app or its account", "look at the app in the developer portal"),
    row(Type, "InvalidRules", "Invalid rules", Ours, SPEC_OLD,
        "the rules of the stream are not valid any longer", CHECK_RULES),
    row(Type, "PackageUpgraded", "Package upgraded", Account, SPEC_OLD,
        "the account's access package was upgraded", "do nothing; check the new limits"),
    row(Type, "PackageDowngraded", "Package downgraded", Account, SPEC_OLD,
        "the account's access package was downgraded",
        "check in the developer portal what the account may still read"),
    row(Type, "other-type", "Unknown disconnect type", Unknown, DISCONNECTIONS,
        "X ended the stream with a disconnect type that no page lists",
        "read the detail that came with it").generic(),
    row(Issue, "TooManyConnections", "Too many connections", Ours, DISCONNECTIONS,
        "refused: all connections of the app are in use, or X still counts one that is gone",
        "see who is connected (xstream connections) and free the slot (xstream connections kill ID, or \
         tail --take-over); the rate limit is not the cause").notes(&[WHY_429, OTHER_CLIENT, GHOST]),
    row(Issue, "ProvisioningSubscription", "Provisioning subscription", Account, SPEC_OLD,
        "X is setting up a change of the subscription", "wait a minute"),
    row(Issue, "RuleConfigurationIssue", "No rules", Ours, DISCONNECTIONS,
        "the filtered stream has no rules to match posts with",
        "add a rule, such as: xstream rules add 'cat has:images'"),
    row(Issue, "RulesInvalidIssue", "Rules invalid", Ours, SPEC_OLD,
        "the rules of the filtered stream are not valid", CHECK_RULES),
    row(Issue, "other-issue", "Unknown connection issue", Unknown, DISCONNECTIONS,
        "X refused the connection for an issue that no page lists", "read the detail that came with it").generic(),
    row(Problem, "client-disconnected", "Client disconnected", Ours, SPEC,
        "X says that the client disconnected", "look for a proxy that closes connections if nothing here did"),
    row(Problem, "operational-disconnect", "Operational disconnect", X, DISCONNECTIONS,
        "X ended the stream for operational reasons and did not name a type", NOTHING),
    row(Problem, "streaming-connection", "Connection exception", Unknown, DISCONNECTIONS,
        "X refused the connection and did not name the issue",
        "read the detail; see who is connected (xstream connections)"),
    row(Problem, "usage-capped", "Usage cap exceeded", Account, SPEC,
        "the daily or monthly quota of posts is used up; trying again does not help",
        "wait for the quota's next period, or raise the cap in the developer portal; xstream usage shows it")
        .notes(&[CAP]),
    row(Problem, "rate-limit-exceeded", "Rate limit exceeded", Ours, RATES,
        "too many connection requests in this 15-minute window",
        "wait for the reset, and look for another client of the same app that reconnects too often").notes(&[ATTEMPTS]),
    row(Problem, "credits-depleted", "Credits depleted", Account, SEEN,
        "the account has no credits left", "buy credits in the developer portal"),
    row(Problem, "credits", "Credits", Account, SPEC,
        "the account's credits do not cover the request", "buy credits in the developer portal"),
    row(Problem, "client-forbidden", "Client forbidden", Account, SPEC,
        "the app does not have the access that this stream needs",
        "attach the app to a project with the access, in the developer portal").notes(&[FORBIDDEN]),
    row(Problem, "unsupported-authentication", "Unsupported authentication", Ours, SPEC,
        "this stream does not accept this kind of token", "use the app-only bearer token of the app"),
    row(Problem, "oauth1-permissions", "OAuth 1.0a permissions", Account, SPEC,
        "the app's OAuth 1.0a permissions do not allow the request", "use the app-only bearer token of the app"),
    row(Problem, "invalid-request", "Invalid request", Ours, SPEC,
        "a parameter of the request is wrong, or the account may not use it",
        "correct the parameter named; leave out backfill if the account has no access to it"),
    row(Problem, "invalid-rules", "Invalid rules", Ours, SPEC,
        "a rule has wrong syntax or uses an operator the account may not use", CHECK_RULES),
    row(Problem, "noncompliant-rules", "Noncompliant rules", Ours, SPEC, "a rule breaks X's policy", CHECK_RULES),
    row(Problem, "rule-cap", "Rule cap", Account, SPEC,
        "the account has as many rules as it may have", "delete rules, or join several into one"),
    row(Problem, "conflict", "Conflict", Ours, SPEC,
        "the request contradicts the state of the stream, usually because it has no rules",
        "add a rule, such as: xstream rules add 'cat has:images'"),
    row(Problem, "internal-error", "Internal error", X, SPEC, "X reports an internal error", NOTHING),
    row(Problem, "other-problem", "Unknown problem", Unknown, CODES,
        "X ended the stream with a problem that no page lists", "read the detail that came with it").generic(),
    row(Enterprise, "forced-disconnect", "Forced disconnect", Ours, GNIP,
        "more connections than the enterprise account allows; the newest is dropped",
        STOP_OTHER_CLIENT).notes(&[TAKE_OVERS]),
    row(Enterprise, "enterprise-error", "Enterprise error", Unknown, GNIP,
        "an enterprise error line: full buffer, bad range or operational close",
        "read the message that came with it"),
    row(Text, "connection-limit", "Connection limit", Ours, V1_CONNECTING,
        "text instead of a stream: the user has too many connections or tries too often", STOP_OTHER_CLIENT),
    row(Text, "rate-limit", "Rate limit text", Ours, V1_CONNECTING,
        "text instead of a stream: the rate of requests is exceeded",
        "wait, and look for another client of the same app that reconnects too often"),
    row(Text, "upstream", "Upstream error text", X, SEEN,
        "text instead of a stream: X's front server cannot reach the server behind it", NOTHING),
    row(Text, "html", "HTML page", Unknown, SEEN,
        "an HTML page instead of a stream, from X or from a proxy on the way",
        "read the page's text; try without the proxy, or another network"),
    row(Status, "400", "Bad Request", Ours, CODES, "the request is wrong", "check the parameters"),
    row(Status, "401", "Unauthorized", Ours, CODES,
        "the token is wrong or revoked, or this stream needs another kind",
        "check the token; make a new one in the developer portal").notes(&[CLOCK]),
    row(Status, "402", "Payment Required", Account, SEEN,
        "the account has to pay first", "buy credits in the developer portal"),
    row(Status, "403", "Forbidden", Account, CODES,
        "the token is good, but the account may not read this stream",
        "check the app's access level in the developer portal; v1.1 streams are switched off, use `filtered` or \
         `sample`"),
    row(Status, "404", "Not Found", Ours, CODES,
        "there is no such stream", "check the stream's name, the path and --base-url"),
    row(Status, "406", "Not Acceptable", Ours, V1_CONNECTING,
        "v1.1: no valid predicate; enterprise: gzip is required",
        "give --track, --follow or --locations; leave out --no-gzip"),
    row(Status, "409", "Conflict", Ours, SEEN,
        "the filtered stream has no rules", "add a rule, such as: xstream rules add 'cat has:images'"),
    row(Status, "413", "Too Long", Ours, V1_CONNECTING,
        "a parameter list is longer than v1.1 allows", "give fewer track words, users or locations"),
    row(Status, "416", "Range Unacceptable", Ours, V1_CONNECTING,
        "v1.1: count is not allowed for this stream or this account", "leave out count"),
    row(Status, "420", "Enhance Your Calm", Ours, V1_CONNECTING,
        "v1.1: too many connections or connection attempts", STOP_OTHER_CLIENT).notes(&[OTHER_CLIENT, GHOST]),
    row(Status, "422", "Unprocessable", Ours, CODES, "a rule or a value in the request is not valid", CHECK_RULES),
    row(Status, "429", "Too Many Requests", Ours, RATES,
        "too many connection requests; a 429 can come although the rate limit is not used up",
        "wait; then look for another client of the same app, or an old connection that X still counts as open \
         (xstream connections)").notes(&[FLAVOURS, WHY_429, ATTEMPTS, OTHER_CLIENT, GHOST]),
    row(Status, "500", "Internal Server Error", X, CODES, "a fault inside X", NOTHING),
    row(Status, "502", "Bad Gateway", X, CODES, "X is down or being upgraded", NOTHING),
    row(Status, "503", "Service Unavailable", X, CODES,
        "X is up but overloaded, or a server behind its front server is not reachable", NOTHING),
    row(Status, "504", "Gateway Timeout", X, CODES,
        "a server behind X's front server did not answer in time", NOTHING),
    row(Status, "3xx", "Redirect status", Ours, HERE,
        "the server redirects to another address; the token is not sent there", "check --base-url and the proxy").generic(),
    row(Status, "4xx", "Other client error", Ours, CODES,
        "the request was refused with a status that X does not document for streams",
        "read the text that came with it").generic(),
    row(Status, "5xx", "Other server error", X, CODES,
        "the server failed with a status that X does not document for streams", NOTHING).generic(),
    row(Status, "other-status", "Unexpected status", Unknown, HERE,
        "a status that neither opens a stream nor reports an error", "check --base-url and the proxy").generic(),
    row(Local, "eof", "End of stream", X, CONSUMING,
        "the server closed the stream cleanly and gave no reason; usually a restart, or a slow reader",
        NOTHING).notes(&[EOF]),
    row(Local, "reset", "Connection reset", Network, CONSUMING,
        "the connection broke without an ending",
        "try another network or ask the provider if it repeats").notes(&[UNCLEAN, GHOST]),
    row(Local, "truncated", "Cut body", Network, CONSUMING,
        "the body ended in the middle: its last chunk never came",
        "try another network or ask the provider if it repeats").notes(&[UNCLEAN, GHOST]),
    row(Local, "stall", "Stall", Network, CONSUMING,
        "no byte for longer than the stall limit, not even a keep-alive",
        "try another network if it repeats; raise --stall-timeout if it comes every minute").notes(&[UNCLEAN, GHOST]),
    row(Local, "unfinished-line", "Unfinished line", Unknown, HERE,
        "bytes arrived, but one line stayed unfinished for three stall limits", "look for a proxy that delays data"),
    row(Local, "dns", "Name not found", Network, CONSUMING,
        "the host name has no address", "check the network, the name and --base-url"),
    row(Local, "tcp", "No connection", Network, CONSUMING,
        "the host refuses the connection or does not answer", "check the network, the firewall and --base-url"),
    row(Local, "proxy", "Proxy refused", Network, HERE,
        "the proxy does not answer or does not let the connection through",
        "check --proxy, HTTPS_PROXY and NO_PROXY"),
    row(Local, "tls", "TLS failed", Network, CONSUMING,
        "the TLS handshake failed", "look for a proxy or firewall that opens TLS"),
    row(Local, "certificate", "Certificate not trusted", Ours, HERE,
        "the certificate of the host is not trusted here",
        "check the clock; give a proxy's own certificate with --cacert"),
    row(Local, "connect-timeout", "Connecting too slow", Network, HERE,
        "the connection was not made in time", "check the network; raise --connect-timeout on a slow one"),
    row(Local, "head-timeout", "No answer", X, HERE,
        "connected, but the head of the response did not come in time", NOTHING),
    row(Local, "http", "Broken HTTP", Network, HERE,
        "the response is not HTTP, or its chunk framing is broken",
        "look for a proxy that rewrites responses; check --base-url"),
    row(Local, "gzip", "Broken gzip", Network, HERE, "the compressed data is broken", "try --no-gzip if it repeats"),
    row(Local, "redirect", "Redirect", Ours, HERE,
        "the server redirects to another address; the token is not sent there", "check --base-url and the proxy"),
    row(Local, "quota", "Quota spent", Ours, HERE,
        "as many posts as --quota allows in this UTC day or month were delivered",
        "wait for the period to turn (--quota-wait does), or raise --quota"),
];

/// What X sends besides endings: warnings, and errors about a single post or request. The status row never
/// shows one of these as the last code; they are here because users see them in messages.
#[rustfmt::skip]
pub static PASSING: &[CatalogueEntry] = &[
    row(Passing, "limit", "Limit", Account, V1_PAGE,
        "more posts matched than this access delivers; the number counts from the start of the connection",
        "narrow the rules or the track words; this stream does not deliver the missing posts later").effect(ReadsOn),
    row(Passing, "FALLING_BEHIND", "Falling behind", Ours, V1_PAGE,
        "X's queue for this connection fills because it is read too slowly",
        "make the reader process faster, or put a file or a queue in between").effect(ReadsOn),
    row(Passing, "FOLLOWS_OVER_LIMIT", "Follows over limit", Account, V1_PAGE,
        "the user follows more accounts than a user stream carries",
        "do nothing; posts of some accounts will be missing").effect(ReadsOn),
    row(Passing, "resource-not-found", "Resource not found", Unknown, SPEC,
        "an object that a post refers to does not exist any longer", "do nothing").effect(ReadsOn),
    row(Passing, "resource-unavailable", "Resource unavailable", X, SPEC,
        "an object that a post refers to cannot be read at the moment", "do nothing").effect(ReadsOn),
    row(Passing, "not-authorized-for-resource", "Not authorized for resource", Account, SPEC,
        "an object that a post refers to is not visible to this account: protected, suspended or withheld",
        "do nothing").effect(ReadsOn),
    row(Passing, "not-authorized-for-field", "Not authorized for field", Account, SPEC,
        "a field was requested that this token may not read", "leave the field out").effect(ReadsOn),
    row(Passing, "field-unauthorized", "Field unauthorized", Account, SPEC,
        "a field was requested that this token may not read", "leave the field out").effect(ReadsOn),
    row(Passing, "field-hydration-failure", "Field not filled", X, SPEC,
        "X could not fill a field of a post", "do nothing").effect(ReadsOn),
    row(Passing, "disallowed-resource", "Disallowed resource", Account, SPEC,
        "the request is for something this account has no access to",
        "read the detail that came with it").effect(ReadsOn),
    row(Passing, "duplicate-rules", "Duplicate rules", Ours, SPEC,
        "the added rule exists already", "do nothing; the rule is in force").effect(ByStatus),
    row(Passing, "about:blank", "Generic problem", Unknown, SPEC,
        "a problem without a type of its own; its title is that of the HTTP status",
        "look up the status").effect(ByStatus),
    row(Passing, "34", "v1.1 error 34", Ours, V1_CONNECTING,
        "the page does not exist (comes with a 404)",
        "check the stream's name, the path and --base-url").effect(SameAs("404")),
    row(Passing, "88", "v1.1 error 88", Ours, V1_CONNECTING,
        "the rate limit is exceeded (comes with a 429)", "see `explain 429`").effect(SameAs("rate-limit-exceeded")),
];
