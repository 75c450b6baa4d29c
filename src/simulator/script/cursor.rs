//! Words, numbers and quoted texts of a script's text form.

use std::time::Duration;

/// What is wrong, after the byte where it is.
pub(crate) type SyntaxError = (usize, String);

/// A place in the text. Words end at blanks, `;` and `|`.
pub(crate) struct Cursor<'a> {
    pub(crate) text: &'a str,
    /// In bytes.
    pub(crate) at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip(&mut self, skipped: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(skipped).len();
    }

    pub(crate) fn skip_between_steps(&mut self) {
        loop {
            self.skip(|c| c.is_whitespace() || c == ';');
            if self.peek() != Some('#') {
                return;
            }
            self.skip(|c| c != '\n');
        }
    }

    /// Skips blanks but not the end of the line, and says where the next word would be.
    pub(crate) fn next_place(&mut self) -> usize {
        self.skip(|c| c.is_whitespace() && c != '\n');
        self.at
    }

    pub(crate) fn word(&mut self) -> &'a str {
        let start = self.at;
        self.skip(|c| !c.is_whitespace() && c != ';' && c != '|');
        &self.text[start..self.at]
    }

    /// The next word of this step, if there is one.
    pub(crate) fn argument(&mut self) -> Option<&'a str> {
        self.next_place();
        if self.peek() == Some('#') {
            return None;
        }
        Some(self.word()).filter(|word| !word.is_empty())
    }

    pub(crate) fn end_of_step(&mut self, name: &str) -> Result<(), SyntaxError> {
        let place = self.next_place();
        match self.argument() {
            None => Ok(()),
            Some(word) => Err((place, format!("'{word}' is too much for '{name}': steps are separated by ';'"))),
        }
    }

    pub(crate) fn duration(&mut self, name: &str) -> Result<Duration, SyntaxError> {
        let place = self.next_place();
        let word = self.argument().unwrap_or_default();
        duration(word)
            .ok_or_else(|| (place, format!("'{name}' accepts a duration such as 250ms, 2s or 1m, not '{word}'")))
    }

    pub(crate) fn optional_duration(&mut self, name: &str) -> Result<Option<Duration>, SyntaxError> {
        let place = self.at;
        match self.argument() {
            None | Some("endless") => Ok(None),
            Some(_) => {
                self.at = place;
                self.duration(name).map(Some)
            }
        }
    }

    pub(crate) fn size(&mut self, name: &str) -> Result<u64, SyntaxError> {
        let place = self.next_place();
        let word = self.argument().unwrap_or_default();
        size(word)
            .ok_or_else(|| (place, format!("'{name}' accepts a number such as 5000, 64KiB or 1MiB, not '{word}'")))
    }

    pub(crate) fn optional_number(&mut self, name: &str) -> Result<Option<u64>, SyntaxError> {
        let place = self.next_place();
        match self.argument() {
            None | Some("endless") => Ok(None),
            Some(word) => match word.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err((place, format!("'{name}' accepts a number, not '{word}'"))),
            },
        }
    }

    /// `[COUNT|endless] [every DURATION]`; without a count the usual one.
    pub(crate) fn count_and_every(&mut self, usual: Option<u64>) -> Result<(Option<u64>, Duration), SyntaxError> {
        let (mut count, mut given) = (usual, false);
        loop {
            let place = self.next_place();
            match self.argument() {
                None => return Ok((count, Duration::ZERO)),
                Some("every") => return Ok((count, self.duration("every")?)),
                Some("endless") if !given => (count, given) = (None, true),
                Some(word) => match word.parse() {
                    Ok(number) if !given => (count, given) = (Some(number), true),
                    _ => {
                        return Err((place, format!("a count or 'every DURATION' is expected, not '{word}'")));
                    }
                },
            }
        }
    }

    /// A text in single quotes, or else the rest of the line; with `short`, only to the end of the
    /// step. Returns `None` if nothing is there.
    pub(crate) fn literal(&mut self, short: bool) -> Option<String> {
        self.next_place();
        let rest = self.rest();
        if let Some(quoted) = rest.strip_prefix('\'')
            && let Some(end) = quoted.find('\'')
        {
            self.at += end + 2;
            return Some(quoted[..end].to_owned());
        }
        let stop = |c: char| c == '\n' || (short && (c == ';' || c == '|'));
        let text = &rest[..rest.find(stop).unwrap_or(rest.len())];
        self.at += text.len();
        let text = text.trim_end_matches('\r');
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A literal with escapes, unless the step ends here.
    pub(crate) fn escaped(&mut self) -> Result<Option<Vec<u8>>, SyntaxError> {
        let place = self.next_place();
        if matches!(self.peek(), Some(';' | '|' | '#')) {
            return Ok(None);
        }
        let Some(text) = self.literal(false) else {
            return Ok(None);
        };
        unescape(&text).map(Some).ok_or_else(|| (place, r"escapes are \r \n \t \\ and \xHH".into()))
    }
}

/// The name in a usage text.
pub(crate) fn first_word(usage: &'static str) -> &'static str {
    usage.split(' ').next().unwrap_or(usage)
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let (escape, tail) = rest.split_first()?;
        rest = tail;
        bytes.push(match escape {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'\\' => b'\\',
            b'x' => {
                let digits = rest.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
                rest = &rest[2..];
                u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?
            }
            _ => return None,
        });
    }
    Some(bytes)
}

fn duration(word: &str) -> Option<Duration> {
    let (number, unit) = word.split_at(word.find(|c: char| !c.is_ascii_digit())?);
    let number: u64 = number.parse().ok()?;
    match unit {
        "us" => Some(Duration::from_micros(number)),
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        "h" => Some(Duration::from_secs(number.checked_mul(3600)?)),
        _ => None,
    }
}

fn size(word: &str) -> Option<u64> {
    let (number, unit) = word.split_at(word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len()));
    let scale = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(scale)
}
