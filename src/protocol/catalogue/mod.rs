//! The catalogue of codes: what each means, which side caused it, what the user can do.
//!
//! These texts are the same wherever a code is shown, so each is written once, with the document it comes
//! from. What `tail` does after a code is decided, and described, by the reaction table of the session.
//!
//! Law: every documented code has an entry of its own, every other code the entry of its family.

mod entries;
mod entry;
mod topics;

pub use entries::{ENTRIES, PASSING, STATUS_PAGE};
pub use entry::{CatalogueEntry, CodeGroup, Effect, Side};
pub use topics::{TOPICS, Topic};

use super::disconnect::{Code, EnterpriseError, HttpStatus, LocalCause, TextLine, V1Code};

/// Every entry that the user may mean by `word`, endings first: by code, else by name. An undocumented status gives the
/// entry of its class; any other number without an entry gives none.
#[must_use]
pub fn search(word: &str) -> Vec<&'static CatalogueEntry> {
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

impl Code {
    /// The family a code belongs to.
    fn group(&self) -> CodeGroup {
        match self {
            Self::V1(_) | Self::V1Text(_) => CodeGroup::V1,
            Self::Type(_) => CodeGroup::Type,
            Self::Issue(_) => CodeGroup::Issue,
            Self::Problem(_) => CodeGroup::Problem,
            Self::Enterprise(_) => CodeGroup::Enterprise,
            Self::Text(_) => CodeGroup::Text,
            Self::Status(_) => CodeGroup::Status,
            Self::Local(_) => CodeGroup::Local,
        }
    }

    /// What is known about this code. A code that is not documented gets the entry of its family.
    ///
    /// # Panics
    /// Never: a test holds that each family is complete.
    #[must_use]
    pub fn entry(&self) -> &'static CatalogueEntry {
        let (group, word) = (self.group(), self.to_string());
        let mut family = ENTRIES.iter().filter(|entry| entry.group == group);
        // Compared exactly: text from a server is data, and must not select a generic entry through its label.
        let exact = family.clone().find(|entry| !entry.generic && entry.code == word);
        let class = match self {
            Self::Status(status) => match status.number() {
                300..400 => "3xx",
                400..500 => "4xx",
                500..600 => "5xx",
                _ => "other-status",
            },
            _ => "",
        };
        exact
            .filter(|_| !matches!(self, Self::V1Text(_)))
            .or_else(|| family.find(|entry| entry.generic && (class.is_empty() || entry.code == class)))
            .expect("a closed family has an entry for each of its codes, any other a generic one")
    }
}

impl CatalogueEntry {
    /// The code this entry is about; for a generic entry one that has no entry of its own. None for what is
    /// not acted on, or only by the status it came with.
    #[must_use]
    pub fn example(&self) -> Option<Code> {
        match self.effect {
            Effect::Ends => {}
            Effect::SameAs(word) => return Code::parse(word),
            Effect::ByStatus | Effect::ReadsOn => return None,
        }
        let word = self.code;
        Some(match self.group {
            CodeGroup::V1 => Code::V1(word.parse::<i64>().map_or(V1Code::Other(0), V1Code::from)),
            CodeGroup::Type => Code::Type(word.into()),
            CodeGroup::Issue => Code::Issue(word.into()),
            CodeGroup::Problem => Code::Problem(word.into()),
            // 5xx: 599.
            CodeGroup::Status => {
                let number = word.replace('x', "9").parse::<u16>();
                Code::Status(number.map_or(HttpStatus::Other(0), HttpStatus::from))
            }
            CodeGroup::Enterprise => Code::Enterprise(EnterpriseError::parse(word)?),
            CodeGroup::Text => Code::Text(TextLine::parse(word)?),
            CodeGroup::Local => Code::Local(LocalCause::parse(word)?),
            CodeGroup::Passing => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::disconnect::tests::documented;
    use std::collections::HashSet;

    #[test]
    fn every_documented_code_has_an_entry_of_its_own() {
        let mut entries = HashSet::new();
        for code in documented() {
            let entry = code.entry();
            assert!(entries.insert((entry.group, entry.code)), "{code} shares its entry");
            if code != Code::V1Text(String::new()) {
                assert_eq!((entry.generic, entry.code), (false, code.to_string().as_str()));
            }
        }
    }

    #[test]
    fn every_entry_is_about_a_documented_code_or_a_family() {
        let documented = documented();
        for entry in ENTRIES {
            let code = entry.example().unwrap_or_else(|| panic!("{}", entry.code));
            assert_eq!(code.entry(), entry);
            assert_eq!(documented.contains(&code), !entry.generic, "{}", entry.code);
            assert!(search(entry.code).contains(&entry), "{}", entry.code);
        }
        for entry in PASSING {
            assert_eq!(entry.example().is_some(), matches!(entry.effect, Effect::SameAs(_)), "{}", entry.code);
        }
    }

    #[test]
    fn every_entry_can_be_shown() {
        let mut codes = HashSet::new();
        for entry in ENTRIES.iter().chain(PASSING) {
            assert!(
                codes.insert((entry.group == CodeGroup::Passing, entry.code.to_lowercase())),
                "{} twice",
                entry.code
            );
            assert!(entry.meaning.chars().count() <= 110, "{}", entry.code);
            for text in [entry.code, entry.name, entry.meaning, entry.advice, entry.source] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{}: {text}", entry.code);
            }
        }
    }

    #[test]
    fn an_unknown_code_has_the_entry_of_its_family() {
        for (code, entry) in [
            (Code::V1(0.into()), "v1-other"),
            (Code::V1(429.into()), "v1-other"),
            (Code::V1(i64::MIN.into()), "v1-other"),
            (Code::V1Text("eof".to_owned()), "v1-other"),
            (Code::V1Text("12".to_owned()), "v1-other"),
            (Code::Type("eof".into()), "other-type"),
            (Code::Type("slowreader".into()), "other-type"),
            (Code::Type("other-type".into()), "other-type"),
            (Code::Issue("".into()), "other-issue"),
            (Code::Problem("about:blank".into()), "other-problem"),
            (Code::Status(301.into()), "3xx"),
            (Code::Status(418.into()), "4xx"),
            (Code::Status(599.into()), "5xx"),
            (Code::Status(204.into()), "other-status"),
            (Code::Status(12.into()), "other-status"),
            (Code::Status(u16::MAX.into()), "other-status"),
        ] {
            assert_eq!(code.entry().code, entry, "{code:?}");
            assert!(code.entry().generic, "{code:?}");
        }
    }

    #[test]
    fn the_three_429s_have_entries_of_their_own() {
        let [rate, connections, quota] = ["429", "TooManyConnections", "usage-capped"].map(|word| search(word)[0]);
        assert!(rate.meaning.contains("although the rate limit is not used up"));
        assert!(connections.advice.contains("the rate limit is not the cause"));
        assert_eq!(quota.side, Side::Account);
    }

    #[test]
    fn a_side_reads_as_words() {
        let sides = [Side::Ours, Side::X, Side::Account, Side::Network, Side::Unknown];
        let shown = sides.map(|side| side.to_string());
        assert_eq!(shown, ["our side", "X's side", "the account", "the network", "unknown"]);
    }
}
