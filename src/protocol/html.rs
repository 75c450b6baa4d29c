//! The text of an HTML page: what a proxy or a front server sends in place of an error body.
//!
//! Law: total. Any text gives some text, in one pass, and plain text passes unchanged.

/// The text of an HTML page: tags become spaces; comments, scripts and styles go with what they hold.
/// A `<` that opens no tag stays, so plain text passes unchanged.
pub(super) fn strip_markup(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        let tag = &rest[at..];
        let opens = tag[1..].starts_with(|next: char| next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?'));
        if !opens {
            text.push('<');
            rest = &tag[1..];
            continue;
        }
        text.push(' ');
        let end = if tag.starts_with("<!--") {
            after(tag, "-->")
        } else if starts_tag(tag, "script") {
            after_closing(tag, "</script")
        } else if starts_tag(tag, "style") {
            after_closing(tag, "</style")
        } else {
            after(tag, ">")
        };
        // A page cut inside a tag has no more text.
        rest = end.unwrap_or("");
    }
    text.push_str(rest);
    if page.contains('<') { unescaped(&text) } else { text }
}

fn starts_tag(tag: &str, name: &str) -> bool {
    let bytes = &tag.as_bytes()[1..];
    bytes.len() >= name.len()
        && bytes[..name.len()].eq_ignore_ascii_case(name.as_bytes())
        && bytes.get(name.len()).is_none_or(|next| !next.is_ascii_alphanumeric())
}

fn after<'a>(text: &'a str, end: &str) -> Option<&'a str> {
    text.find(end).map(|at| &text[at + end.len()..])
}

fn after_closing<'a>(text: &'a str, closing: &str) -> Option<&'a str> {
    let at =
        text.as_bytes().windows(closing.len()).position(|window| window.eq_ignore_ascii_case(closing.as_bytes()))?;
    after(&text[at..], ">")
}

/// The handful of entities that error pages use. `&amp;` comes last, so that nothing is read twice.
fn unescaped(text: &str) -> String {
    [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tags_scripts_and_comments_are_removed() {
        for (page, text) in [
            ("<STYLE>a{b:c}</STYLE ><script>if (a<b) x()</script>A&amp;lt;B<!-- <p>no --> C", "  A&lt;B  C"),
            ("3 < 4 & 5 > 4", "3 < 4 & 5 > 4"),
            ("before <a href=", "before  "),
            ("<html><script>x", "  "),
        ] {
            assert_eq!(strip_markup(page), text, "{page}");
        }
    }

    proptest! {
        #[test]
        fn any_markup_is_some_text(page in "[<>!/a-cscriptyle &;\"\\-é]{0,60}") {
            let _ = strip_markup(&page);
        }
    }
}
