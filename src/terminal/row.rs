//! The bottom row of the terminal, reserved for the status.
//!
//! `jq` prints on the same screen at moments we do not know, so the row must lie where its output cannot go:
//! the terminal is told to scroll only the rows above it (DECSTBM, as `apt` does). Each change is one write,
//! with the cursor saved and restored, so it can fall between any two writes of another program.
//!
//! Its law: what is set up is undone on every exit, panic, stop and resize.

use std::fmt::Write as _;
use std::io;
use std::os::fd::AsFd;
use std::sync::Once;
use std::sync::atomic::{AtomicU16, Ordering};

use crossterm::Command;
use crossterm::cursor::{MoveTo, MoveUp, RestorePosition, SavePosition};
use crossterm::terminal::{Clear, ClearType};

/// Fewer rows than this leave no room for a stream above the row.
const FEWEST_ROWS: u16 = 4;

/// The height of the screen whose last row is reserved, 0 for none. Global, because a panic has no other way
/// to know.
static RESERVED: AtomicU16 = AtomicU16::new(0);

static PANIC_HOOK: Once = Once::new();

/// Where the row can be drawn: the size of the screen (columns, rows), if stderr is a terminal in whose
/// foreground we run and there is room.
#[must_use]
pub fn screen() -> Option<(u16, u16)> {
    let stderr = rustix::stdio::stderr();
    let foreground = rustix::termios::tcgetpgrp(stderr).ok()?;
    if foreground != rustix::process::getpgrp() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(stderr).ok()?;
    (size.ws_row >= FEWEST_ROWS && size.ws_col > 0).then_some((size.ws_col, size.ws_row))
}

/// Whether a row is reserved.
#[must_use]
pub fn is_reserved() -> bool {
    RESERVED.load(Ordering::Relaxed) != 0
}

/// The bytes that reserve the last of `rows` rows, undoing what an earlier size reserved.
pub fn reserve(rows: u16) -> String {
    PANIC_HOOK.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let text = release();
            // Nothing can be done if the terminal is gone as well.
            let _ = write_all(text.as_bytes());
            report(panic);
        }));
    });
    let before = RESERVED.swap(rows, Ordering::Relaxed);
    let mut text = String::new();
    if before != 0 {
        put(&mut text, SavePosition);
        text.push_str("\x1b[r");
        if before < rows {
            put(&mut text, MoveTo(0, before - 1));
            put(&mut text, Clear(ClearType::CurrentLine));
        }
        put(&mut text, RestorePosition);
    }
    // A vertical tab goes down and scrolls at the bottom, but unlike LF keeps its column; one up again leaves
    // the cursor on its text and off the last row.
    text.push('\x0b');
    put(&mut text, MoveUp(1));
    put(&mut text, SavePosition);
    let _ = write!(text, "\x1b[1;{}r", rows - 1);
    put(&mut text, RestorePosition);
    text
}

/// The bytes that draw `line` in the reserved row; empty if none is reserved.
#[must_use]
pub fn draw(line: &str) -> String {
    let rows = RESERVED.load(Ordering::Relaxed);
    let mut text = String::new();
    if rows != 0 {
        put(&mut text, SavePosition);
        put(&mut text, MoveTo(0, rows - 1));
        put(&mut text, Clear(ClearType::CurrentLine));
        text.push_str(line);
        // Colours are ours to end; the restored cursor brings back those of whoever prints above.
        text.push_str("\x1b[0m");
        put(&mut text, RestorePosition);
    }
    text
}

/// The bytes that give the row back; empty if none is reserved.
#[must_use]
pub fn release() -> String {
    let rows = RESERVED.swap(0, Ordering::Relaxed);
    let mut text = String::new();
    if rows != 0 {
        put(&mut text, SavePosition);
        text.push_str("\x1b[r");
        put(&mut text, MoveTo(0, rows - 1));
        put(&mut text, Clear(ClearType::CurrentLine));
        put(&mut text, RestorePosition);
    }
    text
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
