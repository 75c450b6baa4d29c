//! The bearer token: where it comes from, and how it stays secret.
//!
//! Its law: a token never reaches `Debug`, a log, an error or the process list. Its text leaves this file in two ways:
//! [`Token::header`], which marks the value as sensitive, and [`Token::redact_in`], which hides it.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::header::HeaderValue;

use crate::redact::Redactor;

/// The environment variables that may hold a token, in the order of their precedence.
pub const VARIABLES: [&str; 4] = ["XSTREAM_BEARER", "X_BEARER_TOKEN", "BEARER_TOKEN", "TWITTER_BEARER_TOKEN"];

/// Longer than any token and less than a pipe holds, so that writing it to a pipe never blocks.
const LONGEST: usize = 16 << 10;

/// What replaces a token in what the program prints.
const LABEL: &str = "(the token)";

/// An app-only bearer token.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

impl Token {
    /// Checks the text of a token; `source` says where it came from, for the error.
    ///
    /// # Errors
    /// The most common mistakes, described without repeating the token.
    pub fn parse(text: &str, source: &str) -> Result<Token, String> {
        // Files and variables often end in a newline.
        let token = text.trim_matches([' ', '\t', '\r', '\n']);
        if token.is_empty() {
            return Err(format!("{source} is empty"));
        }
        let first = token.split([' ', '\t']).next().unwrap_or_default();
        if first.eq_ignore_ascii_case("bearer") {
            return Err(format!("{source} begins with `Bearer `; give the token alone"));
        }
        if token.starts_with(['"', '\'']) || token.ends_with(['"', '\'']) {
            return Err(format!("{source} has quotes around the token; give it without them"));
        }
        if token.len() > LONGEST {
            return Err(format!("{source} is {} bytes long, which is no token", token.len()));
        }
        if let Some(at) = token.bytes().position(|byte| !byte.is_ascii_graphic()) {
            return Err(format!("{source} has a space or other character that no token has, at position {}", at + 1));
        }
        Ok(Token(token.to_owned()))
    }

    /// Finds the token: the `--bearer` argument, else `--bearer-file` (`-` is stdin), else the environment.
    ///
    /// # Errors
    /// None is given, or the first one found is not usable.
    pub fn find(argument: Option<&str>, file: Option<&Path>) -> Result<Token, String> {
        if let Some(text) = argument {
            if text.trim().is_empty() {
                return Err("--bearer is empty: is the variable you passed set? (try: echo ${TOKEN:+set})".to_owned());
            }
            return Token::parse(text, "--bearer");
        }
        if let Some(path) = file {
            let name = if is_stdin(path) { "stdin".to_owned() } else { path.display().to_string() };
            let text = read(path).map_err(|error| format!("reading the token from {name}: {error}"))?;
            return Token::parse(&text, &name);
        }
        for name in VARIABLES {
            if let Some(value) = std::env::var_os(name) {
                return match value.to_str() {
                    Some("") => continue,
                    Some(text) => Token::parse(text, &format!("${name}")),
                    None => Err(format!("${name} is not text")),
                };
            }
        }
        Err(format!(
            "no bearer token: give one with --bearer-file FILE, --bearer TOKEN, or in ${}; `--demo` needs none",
            VARIABLES.join(", $")
        ))
    }

    /// Which other secret of X's page this may be, judged by its form. X documents no form, so this is a guess for a
    /// message; the token is sent all the same.
    #[must_use]
    pub fn likely_mistake(&self) -> Option<&'static str> {
        let token = self.0.as_str();
        let alphanumeric = token.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let user = token.split_once('-').is_some_and(|(id, rest)| {
            id.len() >= 5 && id.bytes().all(|byte| byte.is_ascii_digit()) && rest.len() >= 20
        });
        // OAuth 2.0 wraps `…:1:at:1` and the like in base64.
        let wrapped = URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).unwrap_or_default();
        let holds = |mark: &[u8]| wrapped.windows(mark.len()).any(|part| part == mark);
        match token.len() {
            _ if user => Some("the OAuth 1.0a access token of a user"),
            _ if holds(b":at:") => Some("the OAuth 2.0 access token of a user"),
            _ if holds(b":rt:") => Some("an OAuth 2.0 refresh token"),
            _ if wrapped.ends_with(b":ci") => Some("an OAuth 2.0 client id"),
            25 if alphanumeric => Some("an API key (consumer key)"),
            45 if alphanumeric => Some("an access token secret"),
            50 if alphanumeric => Some("an API key secret (consumer secret)"),
            _ => None,
        }
    }

    /// Has the token replaced in what the program prints.
    pub fn redact_in(&self, redactor: &mut Redactor) {
        redactor.add(LABEL, &self.0);
    }

    /// The `Authorization` header, marked so that no log shows it.
    ///
    /// # Panics
    /// Never: a parsed token is visible ASCII.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0)).expect("a parsed token is visible ASCII");
        value.set_sensitive(true);
        value
    }
}

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

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

fn read(path: &Path) -> io::Result<String> {
    let limit = LONGEST as u64 * 2;
    let mut text = String::new();
    if is_stdin(path) {
        io::stdin().lock().take(limit).read_to_string(&mut text)?;
    } else {
        std::fs::File::open(path)?.take(limit).read_to_string(&mut text)?;
    }
    Ok(text)
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
    fn the_most_common_mistakes_are_reported_without_the_token() {
        for (text, hint) in [
            ("", "is empty"),
            ("Bearer AAAAsecret", "`Bearer `"),
            ("bearer AAAAsecret", "`Bearer `"),
            ("Bearer ", "`Bearer `"),
            ("\"AAAAsecret\"", "quotes"),
            ("'AAAAsecret'", "quotes"),
            ("AAAA secret", "position 5"),
            ("AAAAsecret\u{e9}", "position 11"),
        ] {
            let error = Token::parse(text, "--bearer").expect_err(text);
            assert!(error.contains(hint) && !error.contains("secret"), "{error}");
        }
        assert_eq!(Token::parse(" AAAA%3D\r\n", "f"), Ok(Token("AAAA%3D".to_owned())));
    }

    #[test]
    fn other_secrets_of_the_same_page_are_known_by_their_form() {
        let wrapped = |text: &str| URL_SAFE_NO_PAD.encode(text);
        for (text, slip) in [
            ("1234567890-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCd".to_owned(), Some("1.0a")),
            (wrapped("kjh34KJHsdf987sdfkjh:1699999999999:1:1:at:1"), Some("2.0 access")),
            (wrapped("kjh34KJHsdf987sdfkjh:1699999999999:1:0:rt:1"), Some("refresh")),
            (wrapped("kjh34KJHsdf987sdfkjh:1:ci"), Some("client id")),
            ("a1".repeat(12) + "b", Some("API key (")),
            ("a1".repeat(25), Some("API key secret")),
            ("AAAAAAAAAAAAAAAAAAAAAMLheAAAAAAA0%2BuSeid%2BULvsea4JtiGRiSDSJSIEUISUerUizE6xBKc".to_owned(), None),
            ("secret-token".to_owned(), None),
            ("20-20".to_owned(), None),
        ] {
            let found = Token::parse(&text, "f").expect("a token").likely_mistake();
            assert!(
                found.is_some() == slip.is_some() && found.unwrap_or("").contains(slip.unwrap_or("")),
                "{text} {found:?}"
            );
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let token = Token::parse("secret", "f").expect("a token");
        assert_eq!(format!("{token:?} {:?}", token.header()), "Token(redacted) Sensitive");
    }

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
