//! The parameters of calls: which connections to list or end, which rules to add or delete.

/// The most ids that one request to end connections may carry (X docs: connections).
pub const KILL_BATCH: usize = 100;

/// Pages of one list. At X's page sizes no app has as many, but a faulty server may page without end.
pub const MAX_PAGES: usize = 1000;

/// Which connections to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionQuery {
    /// In this state.
    pub status: ConnectionStatus,
    /// Of these streams, by X's names; empty for all.
    pub endpoints: Vec<String>,
    /// The most pages (of 100) to read.
    pub pages: usize,
}

/// States of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionStatus {
    /// Open
    Active,
    /// Ended
    Inactive,
    /// Both
    All,
}

impl Default for ConnectionQuery {
    fn default() -> Self {
        ConnectionQuery { status: ConnectionStatus::Active, endpoints: Vec::new(), pages: MAX_PAGES }
    }
}

/// Which connections to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kill<'a> {
    /// These, at most [`KILL_BATCH`].
    Ids(&'a [String]),
    /// Those of a stream, by X's name for it.
    Endpoint(&'a str),
    /// All of the app's.
    All,
}

/// Which rules to delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delete<'a> {
    /// By their ids.
    Ids(&'a [String]),
    /// By their values, exactly.
    Values(&'a [String]),
}
