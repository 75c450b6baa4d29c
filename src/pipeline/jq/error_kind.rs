//! Which errors of an expression are the same error with other values.
//!
//! An expression that fails usually fails on most messages, each time with the message's value in the text. Each kind
//! of error is reported once and then counted.

/// The text of an error without the values in it.
#[must_use]
pub fn error_kind(text: &str) -> String {
    let mut kind = String::new();
    let mut characters = text.chars();
    let mut depth = 0u32;
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                while let Some(inner) = characters.next() {
                    match inner {
                        '"' => break,
                        '\\' => {
                            characters.next();
                        }
                        _ => {}
                    }
                }
                if depth == 0 {
                    kind.push('"');
                }
            }
            '{' | '[' => {
                if depth == 0 {
                    kind.push(character);
                }
                depth += 1;
            }
            '}' | ']' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            '0'..='9' | '.' | '-' if kind.ends_with('0') => {}
            '0'..='9' | '.' | '-' => kind.push('0'),
            _ => kind.push(character),
        }
    }
    kind
}

#[cfg(test)]
mod tests {
    use super::super::tests::results;
    use super::*;

    #[test]
    fn one_kind_of_error_is_one_kind_whatever_the_values() {
        let kind = |json: &str| error_kind(&results(".a.b", json).expect_err("an error"));
        assert_eq!(kind(r#"{"a":"x \" y"}"#), kind(r#"{"a":"z"}"#));
        assert_eq!(kind(r#"{"a":-1.5}"#), kind(r#"{"a":20}"#));
        assert_eq!(kind(r#"{"a":[1,[2]]}"#), kind(r#"{"a":[]}"#));
        assert_ne!(kind(r#"{"a":1}"#), kind(r#"{"a":"1"}"#));
        // A cut text does not hang or panic.
        assert_eq!(error_kind("cannot use {\"a\":\"b…"), "cannot use {");
    }
}
