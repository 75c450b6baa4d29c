//! Which posts `--tag` prints: those found by a rule whose tag matches.
//!
//! X names the rules that matched next to the post: `matching_rules` at the top of a v2 line and of older enterprise
//! ones, `gnip.matching_rules` in enterprise posts. Only posts and activity events carry tags, so `--tag` drops every
//! message without one; the caller lets compliance messages pass.

use crate::protocol::json_cursor::{JsonCursor, find, unescape};

/// A glob for tags: `*` matches any text, `?` any character, `\` the next character literally.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    pattern: Vec<PatternToken>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PatternToken {
    Any,
    One,
    Exactly(char),
}

impl From<&str> for Tag {
    fn from(text: &str) -> Tag {
        let mut characters = text.chars();
        let mut pattern = Vec::new();
        while let Some(character) = characters.next() {
            pattern.push(match character {
                '*' => PatternToken::Any,
                '?' => PatternToken::One,
                '\\' => PatternToken::Exactly(characters.next().unwrap_or('\\')),
                other => PatternToken::Exactly(other),
            });
        }
        Tag { pattern }
    }
}

impl Tag {
    /// Whether a rule that matched `post`, a valid JSON value, has a tag that matches.
    #[must_use]
    pub fn matches_post(&self, post: &[u8]) -> bool {
        const PATHS: [&[&str]; 2] = [&["matching_rules"], &["gnip", "matching_rules"]];
        // An activity event carries the tag of its subscription.
        if self.matches_at(post, &["data", "tag"]) {
            return true;
        }
        PATHS.iter().any(|path| {
            let Ok(Some(rules)) = find(&mut JsonCursor::new(post), path) else { return false };
            let mut cursor = JsonCursor::new(rules);
            if cursor.peek() != b'[' {
                return false;
            }
            cursor.open();
            while cursor.more() {
                if self.matches_at(cursor.value(), &["tag"]) {
                    return true;
                }
            }
            false
        })
    }

    fn matches_at(&self, json: &[u8], path: &[&str]) -> bool {
        matches!(find(&mut JsonCursor::new(json), path), Ok(Some(tag @ [b'"', ..]))
            if self.matches(&String::from_utf8_lossy(&unescape(tag))))
    }

    /// Whether a tag matches. On a mismatch only the last `*` consumes one character more: earlier ones need no
    /// second try, so this needs at most pattern times tag steps.
    #[must_use]
    pub fn matches(&self, tag: &str) -> bool {
        let tag: Vec<char> = tag.chars().collect();
        let (mut token, mut at) = (0, 0);
        let mut star = None;
        while at < tag.len() {
            match self.pattern.get(token) {
                Some(PatternToken::Any) => {
                    token += 1;
                    star = Some((token, at));
                    continue;
                }
                Some(PatternToken::One) => {}
                Some(PatternToken::Exactly(character)) if *character == tag[at] => {}
                _ => {
                    let Some((after, consumed)) = &mut star else { return false };
                    *consumed += 1;
                    (token, at) = (*after, *consumed);
                    continue;
                }
            }
            token += 1;
            at += 1;
        }
        self.pattern[token..].iter().all(|token| *token == PatternToken::Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_matches_whole_tags() {
        for (pattern, tag, matches) in [
            ("cats", "cats", true),
            ("cats", "cats and dogs", false),
            ("cats*", "cats and dogs", true),
            ("*dogs", "cats and dogs", true),
            ("*s*s", "cats and dogs", true),
            ("*x*", "cats", false),
            ("c?ts", "cöts", true),
            ("c?ts", "cts", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            (r"100\*", "100*", true),
            (r"100\*", "1000", false),
            ("a*b*c", "abbbbd", false),
            ("Cats", "cats", false),
        ] {
            assert_eq!(Tag::from(pattern).matches(tag), matches, "{pattern} {tag}");
        }
    }

    #[test]
    fn tags_are_found_where_x_puts_them() {
        let tag = Tag::from("a*");
        for (post, matches) in [
            (r#"{"data":{"id":"1"},"matching_rules":[{"id":"1","tag":"b"},{"id":"2","tag":"\u0061b"}]}"#, true),
            (r#"{"body":"x","gnip":{"matching_rules":[{"value":"v","tag":"ab"}]}}"#, true),
            (r#"{"data":{"id":"1","matching_rules":[{"tag":"ab"}]}}"#, false),
            (r#"{"data":{"id":"1"},"matching_rules":[{"id":"1"},{"tag":null},{"tag":["ab"]},"ab",3]}"#, false),
            (r#"{"data":{"id":"1"},"matching_rules":{"tag":"ab"}}"#, false),
            (r#"{"gnip":"ab"}"#, false),
            ("[]", false),
        ] {
            assert_eq!(tag.matches_post(post.as_bytes()), matches, "{post}");
        }
    }
}
