//! The shape of a catalogue entry: what is known about one code.

use std::fmt;

/// Who can remove the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// This machine, this tool, the reader process, or the app's other clients.
    Ours,
    /// X's servers.
    X,
    /// The account: its access, quota, credits or state.
    Account,
    /// The network on the way, proxies included.
    Network,
    /// The ending alone does not show it.
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
pub enum CodeGroup {
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
    /// Plain text instead of a stream.
    Text,
    /// HTTP statuses.
    Status,
    /// What the tool itself detects.
    Local,
    /// Errors and warnings that are no endings themselves.
    Passing,
}

impl CodeGroup {
    /// Every group, in the order they are listed.
    pub const ALL: [Self; 9] = [
        Self::V1,
        Self::Type,
        Self::Issue,
        Self::Problem,
        Self::Enterprise,
        Self::Text,
        Self::Status,
        Self::Local,
        Self::Passing,
    ];

    /// The heading of its entries in a list.
    #[must_use]
    pub fn heading(self) -> &'static str {
        match self {
            Self::V1 => "v1.1 disconnect codes",
            Self::Type => "v2 disconnect_type: why X ended a stream",
            Self::Issue => "v2 connection_issue: why X refused a connection",
            Self::Problem => "other v2 problems, by the last word of their type",
            Self::Enterprise => "enterprise error lines",
            Self::Text => "text instead of a stream",
            Self::Status => "HTTP statuses",
            Self::Local => "what xstream itself detects",
            Self::Passing => "errors and warnings that end no stream",
        }
    }
}

/// What is known about one ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogueEntry {
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
    /// The document that states it.
    pub source: &'static str,
    /// What else is worth knowing, a sentence or two each; only `explain` prints them.
    pub notes: &'static [&'static str],
    /// Where the code comes from.
    pub group: CodeGroup,
    /// True for the entry of all undocumented codes of a group; its `code` is a label, not a code.
    pub generic: bool,
    /// How `tail` selects its reaction.
    pub effect: Effect,
}

/// How `tail` selects its reaction to an entry. The reactions are in the reaction table of the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It ends a stream or refuses it.
    Ends,
    /// It is another spelling of this code.
    SameAs(&'static str),
    /// The HTTP status that it came with decides.
    ByStatus,
    /// It ends no stream.
    ReadsOn,
}

/// An entry without notes, for an ending.
pub(super) const fn row(
    group: CodeGroup,
    code: &'static str,
    name: &'static str,
    side: Side,
    source: &'static str,
    meaning: &'static str,
    advice: &'static str,
) -> CatalogueEntry {
    CatalogueEntry {
        code,
        name,
        meaning,
        side,
        advice,
        source,
        notes: &[],
        group,
        generic: false,
        effect: Effect::Ends,
    }
}

impl CatalogueEntry {
    pub(super) const fn generic(self) -> CatalogueEntry {
        CatalogueEntry { generic: true, ..self }
    }

    pub(super) const fn notes(self, notes: &'static [&'static str]) -> CatalogueEntry {
        CatalogueEntry { notes, ..self }
    }

    pub(super) const fn effect(self, effect: Effect) -> CatalogueEntry {
        CatalogueEntry { effect, ..self }
    }
}
