//! The topics of `explain`: subjects that are larger than one code.

/// A subject that is larger than one code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic {
    /// The argument that selects it.
    pub name: &'static str,
    /// What it is about, a fragment without a full stop.
    pub title: &'static str,
    /// Its points, in order.
    pub points: &'static [&'static str],
    /// The documents that state it.
    pub source: &'static str,
}

/// The topics.
pub static TOPICS: &[Topic] = &[
    Topic {
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
            "The network in between (neither side). Shows as reset, stall, truncated, connect-timeout, tls, dns. Repeated unclean \
         ends: try another network, ask the provider.",
            "A temporary fault or maintenance at X (X's side). Shows as 5xx, code 10 or 11. X's status page: \
         https://developer.x.com/status (older: https://api.twitterstat.us/).",
        ],
        source: "X docs: consuming streaming data, handling disconnections",
    },
    Topic {
        name: "compliance",
        title: "the duties that compliance messages bring",
        points: &[
            "delete: delete the post and all that is derived from it, retweets too; or the like. Permanent. Also the activity \
         event post.delete.",
            "drop, undrop: hide the post, show it again.",
            "status_withheld, withheld, user_withheld: do not show the post, or the user's posts, in these countries; XX is every \
         country, XY a takedown for copyright. The newest message counts, an empty list lifts it.",
            "user_delete, user_protect, user_suspend: hide all posts of the user, until user_undelete, user_unprotect or \
         user_unsuspend.",
            "scrub_geo: remove the location from the user's posts up to and including the id. Permanent; later posts may carry \
         one.",
            "tweet_edit: show the newest version. user_profile_modification: replace the field.",
            "The order is not guaranteed: a deletion may come before its post. tail and replay remember a million of the last 24 \
         hours, and neither print a dead post that arrives later nor one that waits for the reader. A retweet of it goes as \
         well, a quote loses the embedded post, a scrub removes the location members. --keep-deleted turns that off.",
            "What was printed before is yours: compliance messages are printed in any case, unless --only or --skip removes them. \
         Filtered and sample streams of v2 carry none; compliance streams and activity do.",
        ],
        source: "X docs: compliance streams, compliance data objects",
    },
];
