//! The token on the command line, where every user of this machine can read it until it is removed.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use super::source::VARIABLES;
use super::{LABEL, LONGEST};
use crate::redact::Redactor;

/// A redactor for messages about the command line: it knows the token of `--bearer` and those of the environment, even
/// where they are not usable as they are.
#[must_use]
pub fn redactor(arguments: &[OsString]) -> Redactor {
    let mut redactor = Redactor::default();
    let argument = without_token(arguments, OsStr::new("")).map(|(_, token)| token);
    let variables = VARIABLES.iter().filter_map(|name| std::env::var(name).ok());
    for text in argument.into_iter().chain(variables) {
        let text = text.trim();
        // The most common mistakes; the rest of the text is still secret.
        let prefix = text.get(..7).filter(|prefix| prefix.eq_ignore_ascii_case("bearer ")).map_or(0, str::len);
        redactor.add(LABEL, text[prefix..].trim_matches(['"', '\'', ' ']));
    }
    redactor
}

/// The arguments with a token on the command line replaced by `--bearer-file` and `path`, and that token.
fn without_token(arguments: &[OsString], path: &OsStr) -> Option<(Vec<OsString>, String)> {
    let mut rest = Vec::new();
    let mut token = None;
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let text = argument.to_str().unwrap_or_default();
        if text == "--" {
            rest.push(argument.clone());
            rest.extend(arguments.by_ref().cloned());
        } else if text == "--bearer" {
            token = Some(arguments.next()?.to_str()?.to_owned());
            rest.extend(["--bearer-file".into(), path.to_owned()]);
        } else if let Some(value) = text.strip_prefix("--bearer=") {
            token = Some(value.to_owned());
            rest.extend(["--bearer-file".into(), path.to_owned()]);
        } else {
            rest.push(argument.clone());
        }
    }
    Some((rest, token?))
}

/// Removes a token from the command line, where every user of this machine can read it: the program executes itself
/// again, in the same process, with the token in an inherited pipe.
///
/// Not the environment, since `ps e` shows it, nor stdin, which may be in use. Returns only if there is no
/// token to remove or the execution failed.
///
/// # Errors
/// Why the program could not be executed; the run may continue with the token visible.
pub fn reexec_without_token(arguments: &[OsString]) -> io::Result<()> {
    if without_token(arguments, OsStr::new("")).is_none_or(|(_, token)| token.trim().is_empty()) {
        return Ok(());
    }
    let (reader, writer) = rustix::pipe::pipe()?;
    let path = OsString::from(format!("/dev/fd/{}", reader.as_raw_fd()));
    let Some((rest, token)) = without_token(arguments, &path) else {
        return Ok(());
    };
    if token.len() > LONGEST {
        return Ok(());
    }
    std::fs::File::from(writer).write_all(token.as_bytes())?;
    let mut command = Command::new(std::env::current_exe()?);
    if let Some((name, rest)) = rest.split_first() {
        command.arg0(name).args(rest);
    }
    Err(command.exec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_of_an_argument_is_known_before_it_is_checked() {
        for token in ["short-secret", "Bearer short-secret", "'short-secret'"] {
            let arguments: Vec<OsString> = ["x", "tail", "--bearer", token].map(OsString::from).to_vec();
            assert_eq!(redactor(&arguments).redact("no stream `Short-Secret`"), "no stream `(the token)`", "{token}");
        }
    }

    #[test]
    fn both_spellings_are_replaced_and_what_follows_two_dashes_is_not() {
        let words = |text: &str| -> Vec<OsString> { text.split(' ').map(OsString::from).collect() };
        let path = OsStr::new("/dev/fd/9");
        for text in ["x tail --bearer T --max 1", "x tail --bearer=T --max 1"] {
            let (rest, token) = without_token(&words(text), path).expect("a token");
            assert_eq!((rest, token.as_str()), (words("x tail --bearer-file /dev/fd/9 --max 1"), "T"));
        }
        assert_eq!(without_token(&words("x tail -- --bearer T"), path), None);
        assert_eq!(without_token(&words("x tail --bearer"), path), None);
    }
}
