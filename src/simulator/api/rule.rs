//! One rule of the filtered stream: its parsed text, and whether a post matches it.
//!
//! It does not reuse the linter of `protocol::rule`, which cuts a rule into classes without texts, so that the two
//! check each other.
//!
//! Enough of X's language to make a feed follow its rules: words and quoted phrases (contained in
//! the text, whatever the case), `#tag`, `@name`, `lang:`, a leading `-`, `OR` and parentheses. Other
//! operators such as `from:` or `has:` hold for every post, since the invented posts have nothing
//! to compare them with.

use serde_json::Value;

/// A parsed rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Term {
    /// This text, in lower case.
    Text(String),
    /// `#tag` or `@name`, in lower case, with no letter after it.
    Mark(String),
    /// The language X found.
    Lang(String),
    /// An operator that holds for every post.
    Any,
    Not(Box<Term>),
    All(Vec<Term>),
    OneOf(Vec<Term>),
}

/// What a rule is evaluated against.
pub(crate) struct PostFacts {
    text: String,
    lang: String,
}

/// The deepest nesting of parentheses and negations. Real rules have less than half; without a bound a long rule of
/// them would overflow the stack.
const DEPTH: usize = 64;

/// Reads a rule; an error is the sentence X gives with it.
pub(crate) fn parse(value: &str, longest: usize) -> Result<Term, String> {
    let chars: Vec<char> = value.chars().collect();
    if chars.len() > longest {
        return Err(format!(
            "Rule length {} exceeds the maximum of {longest} (at position {})",
            chars.len(),
            longest + 1
        ));
    }
    if let Some(at) = chars.iter().position(|c| matches!(c, '\n' | '\r')) {
        return Err(format!("Rules must not contain line breaks (at position {})", at + 1));
    }
    let mut reader = RuleParser { chars: &chars, at: 0, depth: 0 };
    if reader.peek().is_none() {
        return Err(String::from("Rules must not be empty (at position 1)"));
    }
    let term = reader.one_of()?;
    if reader.peek().is_some() {
        return Err(reader.fault("missing EOF at ')'"));
    }
    if !term.is_positive() {
        return Err(String::from("Rules must contain at least one positive, non-stopword clause (at position 1)"));
    }
    Ok(term)
}

/// A place in the characters of a rule.
struct RuleParser<'a> {
    chars: &'a [char],
    at: usize,
    depth: usize,
}

impl RuleParser<'_> {
    /// The next character that is no blank.
    fn peek(&mut self) -> Option<char> {
        while self.chars.get(self.at).is_some_and(|c| c.is_whitespace()) {
            self.at += 1;
        }
        self.chars.get(self.at).copied()
    }

    fn fault(&self, what: &str) -> String {
        format!("{what} (at position {})", self.at + 1)
    }

    /// `a b OR c`: OR binds less than the blank.
    fn one_of(&mut self) -> Result<Term, String> {
        let mut terms = vec![self.all()?];
        while self.take_or() {
            terms.push(self.all()?);
        }
        Ok(if terms.len() == 1 { terms.remove(0) } else { Term::OneOf(terms) })
    }

    fn all(&mut self) -> Result<Term, String> {
        let mut terms = Vec::new();
        while let Some(c) = self.peek() {
            if c == ')' || self.at_or() {
                break;
            }
            terms.push(self.term()?);
        }
        match terms.len() {
            0 => match self.chars.get(self.at) {
                Some(c) => Err(self.fault(&format!("no viable alternative at '{c}'"))),
                None => Err(self.fault("no viable alternative at '<EOF>'")),
            },
            1 => Ok(terms.remove(0)),
            _ => Ok(Term::All(terms)),
        }
    }

    fn at_or(&self) -> bool {
        let ends = self.chars.get(self.at + 2).is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ')' | '"'));
        self.chars[self.at..].starts_with(&['O', 'R']) && ends
    }

    fn take_or(&mut self) -> bool {
        let found = self.peek().is_some() && self.at_or();
        self.at += if found { 2 } else { 0 };
        found
    }

    fn term(&mut self) -> Result<Term, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.fault("nested too deeply"));
        }
        let term = match self.chars[self.at] {
            '-' => {
                self.at += 1;
                match self.chars.get(self.at) {
                    Some(c) if !c.is_whitespace() && *c != ')' => Term::Not(Box::new(self.term()?)),
                    _ => return Err(self.fault("no viable alternative after '-'")),
                }
            }
            '(' => {
                let opened = self.at + 1;
                self.at += 1;
                let inner = self.one_of()?;
                if self.peek() != Some(')') {
                    return Err(format!("missing ')' for '(' (at position {opened})"));
                }
                self.at += 1;
                inner
            }
            '"' => Term::Text(self.quoted()?.to_lowercase()),
            _ => self.word()?,
        };
        self.depth -= 1;
        Ok(term)
    }

    fn quoted(&mut self) -> Result<String, String> {
        let opened = self.at + 1;
        let mut text = String::new();
        loop {
            self.at += 1;
            match self.chars.get(self.at) {
                None => return Err(format!("missing closing '\"' (at position {opened})")),
                Some('"') => break,
                Some('\\') if self.chars.get(self.at + 1) == Some(&'"') => {
                    self.at += 1;
                    text.push('"');
                }
                Some(c) => text.push(*c),
            }
        }
        self.at += 1;
        if text.trim().is_empty() {
            return Err(format!("a quoted phrase must not be empty (at position {opened})"));
        }
        Ok(text)
    }

    fn word(&mut self) -> Result<Term, String> {
        let start = self.at;
        while self.chars.get(self.at).is_some_and(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '"')) {
            self.at += 1;
        }
        let word: String = self.chars[start..self.at].iter().collect::<String>().to_lowercase();
        if let Some((name, value)) = word.split_once(':')
            && !name.is_empty()
            && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        {
            if value.is_empty() {
                // `url:"…"` has its value in quotes, anything else has none.
                if self.chars.get(self.at) != Some(&'"') {
                    return Err(self.fault(&format!("operator '{name}:' has no value")));
                }
                self.quoted()?;
            }
            return Ok(if name == "lang" { Term::Lang(value.to_owned()) } else { Term::Any });
        }
        let mark = word.starts_with(['#', '@']) && word.len() > 1;
        Ok(if mark { Term::Mark(word) } else { Term::Text(word) })
    }
}

impl Term {
    /// Whether a post must contain something: a rule of negations only would match everything else, and X refuses it.
    fn is_positive(&self) -> bool {
        match self {
            Term::Not(_) => false,
            Term::All(terms) => terms.iter().any(Term::is_positive),
            Term::OneOf(terms) => terms.iter().all(Term::is_positive),
            _ => true,
        }
    }

    pub(crate) fn matches(&self, facts: &PostFacts) -> bool {
        match self {
            Term::Text(text) => facts.text.contains(text),
            Term::Mark(mark) => facts.text.match_indices(mark).any(|(at, _)| {
                let after = facts.text[at + mark.len()..].chars().next();
                after.is_none_or(|c| !c.is_alphanumeric() && c != '_')
            }),
            Term::Lang(lang) => facts.lang == *lang,
            Term::Any => true,
            Term::Not(term) => !term.matches(facts),
            Term::All(terms) => terms.iter().all(|term| term.matches(facts)),
            Term::OneOf(terms) => terms.iter().any(|term| term.matches(facts)),
        }
    }
}

impl PostFacts {
    pub(crate) fn new(text: &str, lang: &str) -> PostFacts {
        PostFacts { text: text.to_lowercase(), lang: lang.to_owned() }
    }

    /// The facts of a post; `None` if the message is none.
    pub(crate) fn from_message(message: &Value) -> Option<PostFacts> {
        let post = message.get("data").filter(|data| data.is_object()).unwrap_or(message);
        let full = post.pointer("/extended_tweet/full_text").or_else(|| post.get("full_text"));
        let text = full.or_else(|| post.get("text"))?.as_str()?;
        post_id(message)?;
        Some(PostFacts::new(text, post.get("lang").and_then(Value::as_str).unwrap_or_default()))
    }
}

/// The id of a post, v2 or v1.1; `None` if the message is none.
pub(crate) fn post_id(message: &Value) -> Option<&str> {
    let id = match message.get("data") {
        Some(data) => data.get("text").and(data.get("id")),
        None => message.get("text").or_else(|| message.get("full_text")).and(message.get("id_str")),
    };
    id?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fits(rule: &str, text: &str) -> bool {
        let post = json!({"data": {"id": "1", "text": text, "lang": "en"}});
        parse(rule, 1024).unwrap().matches(&PostFacts::from_message(&post).unwrap())
    }

    #[test]
    fn words_phrases_negations_alternatives_and_groups_decide() {
        let text = "The Black cat naps #Caturday, says @otto";
        for rule in [
            "cat",
            "BLACK naps",
            "\"black cat\"",
            "cat -dog",
            "dog OR cat",
            "(dog OR cat) naps",
            "cat -(dog fish)",
            "#caturday",
            "@Otto lang:en",
            "cat from:somebody has:images",
            "url:\"https://example.test\"",
            "dog fish OR cat naps",
        ] {
            assert!(fits(rule, text), "{rule}");
        }
        for rule in ["dog", "cat -naps", "\"cat black\"", "#cat", "@ott", "cat lang:de", "cat -(dog OR naps)"] {
            assert!(!fits(rule, text), "{rule}");
        }
    }

    #[test]
    fn an_error_in_a_rule_is_reported_with_its_place() {
        for (rule, at) in [
            ("", 1),
            ("  ", 1),
            ("\"cat", 1),
            ("a \"cat", 3),
            ("(a OR b", 1),
            ("a b)", 4),
            ("a ()", 4),
            ("a OR", 5),
            ("OR a", 1),
            ("-a", 1),
            ("-a -b", 1),
            ("a OR -b", 1),
            ("a - b", 4),
            ("lang:", 6),
            ("a\nb", 2),
        ] {
            let fault = parse(rule, 1024).unwrap_err();
            assert!(fault.ends_with(&format!("(at position {at})")), "{rule:?}: {fault}");
        }
        assert!(parse(&"é".repeat(1025), 1024).unwrap_err().ends_with("(at position 1025)"));
        assert!(parse(&"é".repeat(1024), 1024).is_ok());
        assert!(parse(&"(".repeat(1000), 1024).unwrap_err().starts_with("nested too deeply"));
    }

    #[test]
    fn control_messages_are_not_posts() {
        for message in [
            json!({"limit": {"track": 5}}),
            json!({"data": {"delete": {"tweet": {"id": "1"}}}}),
            json!({"data": {"id": "8b", "liked_tweet_id": "1"}}),
            json!([1]),
        ] {
            assert_eq!(post_id(&message), None);
            assert!(PostFacts::from_message(&message).is_none());
        }
        assert_eq!(post_id(&json!({"id": 1, "id_str": "1", "text": "a"})), Some("1"));
    }
}
