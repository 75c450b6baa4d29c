//! Error chains of the libraries below: what caused an error, as one line of text and as a type to decide by.
//!
//! hyper, rustls and the proxy connectors wrap one another's errors, often inside an `io::Error`, so the cause that
//! matters is rarely the outermost one.

use std::error::Error as StdError;
use std::io;

use crate::protocol::disconnect::LocalCause;
use crate::session::Failure;
use crate::text::sanitize;

/// Longer texts are cut.
const LONGEST: usize = 300;

/// An error with its causes, outermost first, each of them once.
pub fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    sanitize(&text, LONGEST)
}

/// Searches an error and its causes, also those that an `io::Error` wraps, for one of type `E`.
pub fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inner.map(|inner| inner as &(dyn StdError + 'static)).or_else(|| error.source());
    }
    None
}

/// The `io::Error` at the bottom: libraries wrap the informative one in others that only say "other".
pub fn innermost<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a io::Error> {
    let mut found = find::<io::Error>(error)?;
    while let Some(inner) = found.get_ref().and_then(|inner| find::<io::Error>(inner)) {
        found = inner;
    }
    Some(found)
}

/// The failure of an HTTP exchange; `sent` if the head of its request was written.
pub fn from_hyper(error: &hyper::Error, sent: bool) -> Failure {
    let io = find::<io::Error>(error);
    let cause = if find::<rustls::Error>(error).is_some() {
        LocalCause::Tls
    } else if error.is_parse() {
        LocalCause::Http
    } else if error.is_incomplete_message() {
        LocalCause::Truncated
    } else {
        match io.map(io::Error::kind) {
            Some(io::ErrorKind::UnexpectedEof) => LocalCause::Truncated,
            Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) => LocalCause::Http,
            _ => LocalCause::Reset,
        }
    };
    let detail = match (cause, io) {
        (_, Some(io)) => sanitize(&io.to_string(), LONGEST),
        (LocalCause::Truncated, None) => "the connection closed before the response was complete".to_owned(),
        _ => chain(error),
    };
    Failure { cause, detail, sent }
}
