//! The exact path: a state machine that reads byte by byte, decides every case, and locates faults.

use std::borrow::Cow;

use super::{Fault, Key, MAX_DEPTH, Outline, OutlineBuilder, Position, Type, number_end, plain_end};

/// The answer of [`super::scan`], for any line and on any processor.
///
/// # Errors
/// The first [`Fault`], with its offset.
pub fn scan(line: &[u8]) -> Result<Outline<'_>, Fault> {
    if let Err(error) = simdutf8::compat::from_utf8(line) {
        return Err(Fault { at: error.valid_up_to(), why: "not UTF-8" });
    }
    let mut machine = Machine {
        bytes: line,
        at: 0,
        depth: 0,
        objects: 0,
        data_open: false,
        position: Position::Root,
        started: 0,
        builder: OutlineBuilder::new(line),
    };
    machine.run()?;
    Ok(machine.builder.outline)
}

/// Iterative, with one bit per level, so depth costs no stack.
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u32,
    /// Bit n - 1 says whether level n is an object.
    objects: u128,
    /// Whether level 2 is the object under the top-level `data`.
    data_open: bool,
    position: Position,
    /// Where the value directly under the current top-level key began.
    started: usize,
    builder: OutlineBuilder<'a>,
}

impl Machine<'_> {
    fn run(&mut self) -> Result<(), Fault> {
        loop {
            self.value()?;
            // After a value: close what ends here, then a comma, or the end of the line.
            loop {
                self.white();
                if self.depth == 0 {
                    return if self.at == self.bytes.len() {
                        Ok(())
                    } else {
                        Err(self.fault("something follows the value"))
                    };
                }
                let in_object = self.in_object();
                match (self.peek(), in_object) {
                    (Some(b','), true) => {
                        self.at += 1;
                        self.white();
                        self.key()?;
                        break;
                    }
                    (Some(b','), false) => {
                        self.at += 1;
                        break;
                    }
                    (Some(b'}'), true) | (Some(b']'), false) => {
                        self.at += 1;
                        self.leave();
                    }
                    (None, _) => return Err(self.fault("the value is cut off")),
                    (_, true) => return Err(self.fault("expected `,` or `}`")),
                    (_, false) => return Err(self.fault("expected `,` or `]`")),
                }
            }
        }
    }

    /// Reads one value; of a container that is not empty, only what leads to its first value.
    fn value(&mut self) -> Result<(), Fault> {
        loop {
            self.white();
            let started = self.at;
            if self.depth == 1 {
                self.started = started;
            }
            let position = std::mem::replace(&mut self.position, Position::Elsewhere);
            let Some(byte) = self.peek() else {
                return Err(self.fault("the value is cut off"));
            };
            let found = match byte {
                b'{' => {
                    if self.enter(true)? {
                        self.builder.record(position, Type::EmptyObject, started..self.at);
                        return Ok(());
                    }
                    // White space may follow, so an open object is recorded as its first byte until `leave`
                    // knows its end.
                    self.builder.record(position, Type::Object, started..started + 1);
                    if self.depth == 2 && position == Position::Top(Key::Data) {
                        self.data_open = true;
                    }
                    self.key()?;
                    continue;
                }
                b'[' => {
                    if self.enter(false)? {
                        self.builder.record(position, Type::EmptyArray, started..self.at);
                        return Ok(());
                    }
                    self.builder.record(position, Type::Array, started..self.at);
                    continue;
                }
                b'"' => {
                    self.string()?;
                    Type::String
                }
                b'-' | b'0'..=b'9' => {
                    self.at = number_end(self.bytes, self.at)?;
                    Type::Number
                }
                b't' => self.literal(b"true", Type::Bool)?,
                b'f' => self.literal(b"false", Type::Bool)?,
                b'n' => self.literal(b"null", Type::Null)?,
                _ => return Err(self.fault("expected a value")),
            };
            self.builder.record(position, found, started..self.at);
            return Ok(());
        }
    }

    /// Steps into a container; true if it is empty and read.
    fn enter(&mut self, object: bool) -> Result<bool, Fault> {
        if self.depth == MAX_DEPTH {
            return Err(self.fault("nested too deeply"));
        }
        self.at += 1;
        self.white();
        let close = if object { b'}' } else { b']' };
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(true);
        }
        let bit = 1u128 << self.depth;
        self.depth += 1;
        if object {
            self.objects |= bit;
        } else {
            self.objects &= !bit;
        }
        Ok(false)
    }

    fn leave(&mut self) {
        self.depth -= 1;
        if self.depth == 1 {
            self.data_open = false;
            // `message` is the one container whose bytes are needed: it is open exactly when its start is
            // recorded and its end is not.
            let message = &mut self.builder.outline.message;
            if message.as_ptr() == self.bytes[self.started..].as_ptr() && message.len() == 1 {
                *message = &self.bytes[self.started..self.at];
            }
        }
    }

    fn in_object(&self) -> bool {
        self.objects >> (self.depth - 1) & 1 == 1
    }

    /// Reads a key and its colon, and sets the position of the value that follows.
    fn key(&mut self) -> Result<(), Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.fault("expected a key"));
        }
        let opened = self.at;
        let escaped = self.string()?;
        let data = self.depth == 2 && self.data_open;
        if self.depth == 1 || data {
            let raw = &self.bytes[opened + 1..self.at - 1];
            let name = if escaped {
                // Escaped keys are rare, so the library's copy is cheap enough.
                serde_json::from_slice::<String>(&self.bytes[opened..self.at])
                    .map_or(Cow::Borrowed(raw), |text| Cow::Owned(text.into_bytes()))
            } else {
                Cow::Borrowed(raw)
            };
            self.position = self.builder.key(opened..self.at, &name, data);
        }
        self.white();
        if self.peek() != Some(b':') {
            return Err(self.fault("expected `:`"));
        }
        self.at += 1;
        Ok(())
    }

    fn literal(&mut self, literal: &'static [u8], found: Type) -> Result<Type, Fault> {
        if self.bytes[self.at..].starts_with(literal) {
            self.at += literal.len();
            Ok(found)
        } else {
            Err(self.fault("expected a value"))
        }
    }

    /// Reads a string, quotes included; true if it contains an escape.
    fn string(&mut self) -> Result<bool, Fault> {
        self.at += 1;
        let mut escaped = false;
        loop {
            self.at = plain_end(self.bytes, self.at);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.fault("a control character in a string")),
                None => return Err(self.fault("the string is cut off")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                self.at += 1;
                match self.hex()? {
                    0xDC00..=0xDFFF => Err(self.fault("a lone surrogate")),
                    0xD800..=0xDBFF => {
                        if !self.bytes[self.at..].starts_with(b"\\u") {
                            return Err(self.fault("a lone surrogate"));
                        }
                        self.at += 2;
                        match self.hex()? {
                            0xDC00..=0xDFFF => Ok(()),
                            _ => Err(self.fault("a lone surrogate")),
                        }
                    }
                    _ => Ok(()),
                }
            }
            Some(_) => Err(self.fault("an unknown escape")),
            None => Err(self.fault("the string is cut off")),
        }
    }

    fn hex(&mut self) -> Result<u32, Fault> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self
                .peek()
                .and_then(|byte| char::from(byte).to_digit(16))
                .ok_or_else(|| self.fault("expected a hex digit"))?;
            code = code << 4 | digit;
            self.at += 1;
        }
        Ok(code)
    }

    fn white(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn fault(&self, why: &'static str) -> Fault {
        Fault { at: self.at, why }
    }
}
