//! Which posts `--tag` keeps: those that a rule with a matching tag found.
//!
//! X names the rules that matched beside the post: `matching_rules` at the top of a v2 line and of older
//! enterprise ones, `gnip.matching_rules` in enterprise posts. Only posts carry tags, so under `--tag` whatever
//! carries none is dropped; the caller lets compliance messages pass.

use super::walk::{Walk, find, spelled};

/// A pattern for tags: `*` is any text, `?` any character, `\` takes the next character as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    pattern: Vec<Piece>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
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
                '*' => Piece::Any,
                '?' => Piece::One,
                '\\' => Piece::Exactly(characters.next().unwrap_or('\\')),
                other => Piece::Exactly(other),
            });
        }
        Tag { pattern }
    }
}

impl Tag {
    /// Whether one of the rules that matched `post`, a valid JSON value, has a tag that fits.
    #[must_use]
    pub fn keeps(&self, post: &[u8]) -> bool {
        const PLACES: [&[&str]; 2] = [&["matching_rules"], &["gnip", "matching_rules"]];
        // An activity event carries the tag of its subscription.
        if let Ok(Some(tag @ [b'"', ..])) = find(&mut Walk::new(post), &["data", "tag"])
            && self.fits(&String::from_utf8_lossy(&spelled(tag)))
        {
            return true;
        }
        PLACES.iter().any(|path| {
            let Ok(Some(rules)) = find(&mut Walk::new(post), path) else { return false };
            let mut walk = Walk::new(rules);
            if walk.peek() != b'[' {
                return false;
            }
            walk.open();
            while walk.more() {
                let rule = walk.value();
                if let Ok(Some(tag @ [b'"', ..])) = find(&mut Walk::new(rule), &["tag"])
                    && self.fits(&String::from_utf8_lossy(&spelled(tag)))
                {
                    return true;
                }
            }
            false
        })
    }

    /// Whether a tag fits. On a mismatch only the last `*` takes one character more: earlier ones need not be
    /// tried again, so this takes pattern times tag steps at most.
    #[must_use]
    pub fn fits(&self, tag: &str) -> bool {
        let tag: Vec<char> = tag.chars().collect();
        let (mut piece, mut at) = (0, 0);
        let mut star = None;
        while at < tag.len() {
            match self.pattern.get(piece) {
                Some(Piece::Any) => {
                    piece += 1;
                    star = Some((piece, at));
                    continue;
                }
                Some(Piece::One) => {}
                Some(Piece::Exactly(character)) if *character == tag[at] => {}
                _ => {
                    let Some((behind, taken)) = &mut star else { return false };
                    *taken += 1;
                    (piece, at) = (*behind, *taken);
                    continue;
                }
            }
            piece += 1;
            at += 1;
        }
        self.pattern[piece..].iter().all(|piece| *piece == Piece::Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_fits_whole_tags() {
        for (pattern, tag, fits) in [
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
            assert_eq!(Tag::from(pattern).fits(tag), fits, "{pattern} {tag}");
        }
    }

    #[test]
    fn tags_are_found_where_x_puts_them() {
        let tag = Tag::from("a*");
        for (post, keeps) in [
            (r#"{"data":{"id":"1"},"matching_rules":[{"id":"1","tag":"b"},{"id":"2","tag":"\u0061b"}]}"#, true),
            (r#"{"body":"x","gnip":{"matching_rules":[{"value":"v","tag":"ab"}]}}"#, true),
            (r#"{"data":{"id":"1","matching_rules":[{"tag":"ab"}]}}"#, false),
            (r#"{"data":{"id":"1"},"matching_rules":[{"id":"1"},{"tag":null},{"tag":["ab"]},"ab",3]}"#, false),
            (r#"{"data":{"id":"1"},"matching_rules":{"tag":"ab"}}"#, false),
            (r#"{"gnip":"ab"}"#, false),
            ("[]", false),
        ] {
            assert_eq!(tag.keeps(post.as_bytes()), keeps, "{post}");
        }
    }
}
