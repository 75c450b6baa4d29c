//! Which messages are printed: by kind and group.
//!
//! Compliance messages are printed unless `--only` or `--skip` removes them, because a consumer that never sees them
//! cannot do its duty (X docs: compliance streams).

use std::fmt;
use std::str::FromStr;

use crate::protocol::message::{KindGroup, MessageKind};
use crate::protocol::nearest;

/// A kind, a group, or everything, as `--only` and `--skip` name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// `all`
    All,
    /// `data`, `compliance`, `control`
    Group(KindGroup),
    /// One kind.
    Kind(MessageKind),
}

impl Choice {
    /// Every name that can be chosen, groups first.
    pub fn names() -> impl Iterator<Item = &'static str> {
        std::iter::once("all")
            .chain(KindGroup::NAMED.into_iter().map(KindGroup::name))
            .chain(MessageKind::ALL.iter().map(|kind| kind.name()))
    }

    fn covers(self, kind: MessageKind) -> bool {
        match self {
            Choice::All => true,
            Choice::Group(group) => kind.group() == group,
            Choice::Kind(chosen) => kind == chosen,
        }
    }
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(name: &str) -> Result<Choice, String> {
        if name == "all" {
            return Ok(Choice::All);
        }
        if let Some(group) = KindGroup::NAMED.into_iter().find(|group| group.name() == name) {
            return Ok(Choice::Group(group));
        }
        if let Some(kind) = MessageKind::ALL.iter().find(|kind| kind.name() == name) {
            return Ok(Choice::Kind(*kind));
        }
        let near = nearest(name, Choice::names());
        Err(if near.is_empty() {
            format!("no such kind; known are {}", Choice::names().collect::<Vec<_>>().join(", "))
        } else {
            format!("no such kind; nearest: {}", near.join(", "))
        })
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Choice::All => "all",
            Choice::Group(group) => group.name(),
            Choice::Kind(kind) => kind.name(),
        })
    }
}

/// The set of kinds that are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    kinds: u64,
}

impl Filter {
    /// The kinds of `--only` (none given: the default kinds) without those of `--skip`.
    #[must_use]
    pub fn new(only: &[Choice], skip: &[Choice]) -> Filter {
        let printed = |kind: MessageKind| {
            let included = if only.is_empty() {
                matches!(kind.group(), KindGroup::Data | KindGroup::Compliance | KindGroup::Unknown)
            } else {
                only.iter().any(|choice| choice.covers(kind))
            };
            included && !skip.iter().any(|choice| choice.covers(kind))
        };
        let kinds = MessageKind::ALL.iter().filter(|kind| printed(**kind)).fold(0, |set, kind| set | 1 << *kind as u64);
        Filter { kinds }
    }

    /// Whether messages of this kind are printed.
    #[must_use]
    pub fn accepts(self, kind: MessageKind) -> bool {
        self.kinds >> kind as u64 & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(only: &[&str], skip: &[&str]) -> Vec<&'static str> {
        let choices =
            |words: &[&str]| -> Vec<Choice> { words.iter().map(|word| word.parse().expect("a kind")).collect() };
        let filter = Filter::new(&choices(only), &choices(skip));
        MessageKind::ALL.iter().filter(|kind| filter.accepts(**kind)).map(|kind| kind.name()).collect()
    }

    #[test]
    fn control_heartbeats_and_garbage_are_not_printed_by_default() {
        let names = accepted(&[], &[]);
        assert!(names.contains(&"post") && names.contains(&"user_delete") && names.contains(&"unknown"));
        for name in ["limit", "warning", "disconnect", "error", "info", "control", "metadata", "heartbeat", "malformed"]
        {
            assert!(!names.contains(&name), "{name}");
        }
    }

    #[test]
    fn only_and_skip_accept_kinds_groups_and_all() {
        assert_eq!(accepted(&["post"], &[]), ["post"]);
        assert_eq!(accepted(&["data"], &["post", "like"]), ["label", "activity", "event", "direct_message", "friends"]);
        assert_eq!(accepted(&["all"], &[]).len(), MessageKind::ALL.len());
        assert!(accepted(&[], &["all"]).is_empty());
        assert!(!accepted(&[], &["compliance"]).contains(&"delete"));
        assert_eq!(accepted(&["limit", "post"], &["post"]), ["limit"]);
    }

    #[test]
    fn an_unknown_kind_names_the_nearest() {
        let error = "psot".parse::<Choice>().expect_err("no kind");
        assert!(error.contains("post"), "{error}");
    }
}
