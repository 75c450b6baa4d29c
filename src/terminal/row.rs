//! The bottom row of the terminal, reserved for the status.
//!
//! `jq` prints on the same screen at times we do not know, so the row must be where its output cannot go:
//! the terminal is set to scroll only the rows above it (DECSTBM, as `apt` does). Each change is one write,
//! with the cursor saved and restored, so it can fall between any two writes of another program.
//!
//! Its law: what is set up is undone on every exit, panic, stop and resize.
//!
//! A weakness: between a resize and our response to it the terminal scrolls its whole height, and a program that prints
//! in that moment may scroll the row into the data. And if the cursor of another program is exactly after the last
//! column, reserving the row moves it: the next character of that program covers the last one.

use std::fmt::Write as _;
use std::io;
use std::os::fd::AsFd;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use crossterm::Command;
use crossterm::cursor::{MoveDown, MoveTo, MoveToColumn, MoveUp, RestorePosition, SavePosition};
use crossterm::terminal::{Clear, ClearType};

/// Fewer rows than this leave no room for a stream above the row.
const FEWEST_ROWS: u16 = 4;

/// The screen whose last row is reserved: columns in the upper half, rows in the lower, 0 for none. Global,
/// because a panic has no other way to know.
static RESERVED: AtomicU32 = AtomicU32::new(0);

static PANIC_HOOK: Once = Once::new();

/// The longest piece of the row. A Linux pseudo-terminal has room for nothing or for 256 bytes and more, so a
/// piece is written whole or not at all; of a longer one a part could be written, and another program could print
/// after it, in our row.
const PIECE: usize = 256;

/// The colours of the program above are not ours, and would fill what we erase.
const PLAIN: &str = "\x1b[0m";

/// The whole screen scrolls. This moves the cursor.
const NO_REGION: &str = "\x1b[r";

/// Where the row can be drawn: the size of the screen (columns, rows), if stderr is a terminal in whose
/// foreground we run and there is room.
#[must_use]
pub fn screen() -> Option<(u16, u16)> {
    let stderr = rustix::stdio::stderr();
    let foreground = rustix::termios::tcgetpgrp(stderr).ok()?;
    if foreground != rustix::process::getpgrp() {
        return None;
    }
    size().filter(|(columns, rows)| *rows >= FEWEST_ROWS && *columns > 0)
}

fn size() -> Option<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stderr()).ok()?;
    Some((size.ws_col, size.ws_row))
}

fn packed((columns, rows): (u16, u16)) -> u32 {
    u32::from(columns) << 16 | u32::from(rows)
}

/// The height of the screen whose last row is reserved, 0 for none.
fn reserved_rows() -> u16 {
    u16::try_from(RESERVED.load(Ordering::Relaxed) & 0xffff).unwrap_or(0)
}

/// Reserves the last row of the screen, undoing what an earlier size reserved, if `write` takes the bytes.
pub fn reserve(screen: (u16, u16), write: impl FnOnce(&str) -> bool) -> bool {
    PANIC_HOOK.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let text = release();
            // Nothing can be done if the terminal is gone as well.
            let _ = write_all(text.as_bytes());
            report(panic);
        }));
    });
    let before = RESERVED.swap(packed(screen), Ordering::Relaxed);
    let mut text = String::new();
    if before != 0 {
        put(&mut text, SavePosition);
        text.push_str(NO_REGION);
        put(&mut text, RestorePosition);
        erase_below(&mut text);
    }
    make_room(&mut text);
    put(&mut text, SavePosition);
    let _ = write!(text, "\x1b[1;{}r", screen.1 - 1);
    put(&mut text, RestorePosition);
    let written = write(&text);
    if !written {
        RESERVED.store(before, Ordering::Relaxed);
    }
    written
}

/// The bytes that draw `line` in the reserved row, in pieces that are each complete; none if no row is
/// reserved.
#[must_use]
pub fn draw(line: &str) -> Vec<String> {
    let rows = reserved_rows();
    let mut pieces = Vec::new();
    if rows == 0 {
        return pieces;
    }
    let start = |column: u16| {
        let mut text = String::new();
        put(&mut text, SavePosition);
        text.push_str(PLAIN);
        put(&mut text, MoveTo(column, rows - 1));
        if column == 0 {
            put(&mut text, Clear(ClearType::CurrentLine));
        }
        text
    };
    let mut end = String::from(PLAIN);
    put(&mut end, RestorePosition);
    let mut column = 0;
    let mut piece = start(0);
    // No colour lasts from one part of the row to the next.
    for part in line.split_inclusive('·') {
        if column > 0 && piece.len() + part.len() + end.len() > PIECE {
            pieces.push(piece + &end);
            piece = start(column);
        }
        piece.push_str(part);
        column = column.saturating_add(width(part));
    }
    pieces.push(piece + &end);
    pieces
}

/// The columns that `text` fills, without the colours. The row has no wide characters.
fn width(text: &str) -> u16 {
    let mut columns = 0;
    let mut escaped = false;
    for c in text.chars() {
        match c {
            '\x1b' => escaped = true,
            'm' if escaped => escaped = false,
            _ if escaped => {}
            _ => columns += 1,
        }
    }
    columns
}

/// The bytes that release the row; empty if none is reserved.
#[must_use]
pub fn release() -> String {
    let rows = reserved_rows();
    let before = RESERVED.swap(0, Ordering::Relaxed);
    let mut text = String::new();
    if rows == 0 {
        return text;
    }
    put(&mut text, SavePosition);
    text.push_str(NO_REGION);
    if size().is_none_or(|size| packed(size) == before) {
        text.push_str(PLAIN);
        put(&mut text, MoveTo(0, rows - 1));
        put(&mut text, Clear(ClearType::CurrentLine));
        put(&mut text, RestorePosition);
    } else {
        put(&mut text, RestorePosition);
        erase_below(&mut text);
    }
    text
}

/// Makes sure that there is a row below the cursor. A vertical tab goes down and scrolls at the bottom, but unlike
/// LF keeps its column; one up again leaves the cursor on its text and off the last row.
fn make_room(text: &mut String) {
    text.push('\x0b');
    put(text, MoveUp(1));
}

/// Erases the row of a screen that has changed its size. Where the row is by then, each terminal decides in its own
/// way (some scroll rows back from above, some wrap lines again), but it is below the cursor, and nothing else is.
fn erase_below(text: &mut String) {
    make_room(text);
    put(text, SavePosition);
    text.push_str(PLAIN);
    put(text, MoveDown(1));
    put(text, MoveToColumn(0));
    put(text, Clear(ClearType::FromCursorDown));
    put(text, RestorePosition);
}

fn put(text: &mut String, command: impl Command) {
    let _ = command.write_ansi(text); // writing to a String does not fail
}

fn write_all(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let taken = rustix::io::write(rustix::stdio::stderr().as_fd(), bytes)?;
        bytes = &bytes[taken..];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_coloured_row_is_drawn_in_pieces_that_a_terminal_takes_whole() {
        RESERVED.store(packed((400, 50)), Ordering::Relaxed);
        let words: Vec<String> = (0..40).map(|n| format!("\x1b[32mwörd{n}\x1b[0m")).collect();
        let pieces = draw(&words.join(" · "));
        RESERVED.store(0, Ordering::Relaxed);
        assert!(pieces.len() > 3);
        assert!(pieces.iter().all(|piece| piece.len() <= PIECE));
        let mut model =
            vt100::Parser::new(std::num::NonZeroU16::new(50).unwrap(), std::num::NonZeroU16::new(400).unwrap(), 0);
        for piece in pieces {
            model.process(b"x");
            model.process(piece.as_bytes());
        }
        let plain: Vec<String> = (0..40).map(|n| format!("wörd{n}")).collect();
        assert_eq!(model.screen().rows(0, 400).last(), Some(plain.join(" · ")));
    }
}
