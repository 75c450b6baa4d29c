//! Where the token comes from: the command line, a file, stdin or the environment.

use std::io::{self, Read as _};
use std::path::Path;

use super::{LONGEST, Token};
use crate::text::file_name;

/// The environment variables that may hold a token, in the order of their precedence.
pub const VARIABLES: [&str; 4] = ["XSTREAM_BEARER", "X_BEARER_TOKEN", "BEARER_TOKEN", "TWITTER_BEARER_TOKEN"];

impl Token {
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
            let name = file_name(path);
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
}

fn read(path: &Path) -> io::Result<String> {
    let limit = LONGEST as u64 * 2;
    let mut text = String::new();
    if path == Path::new("-") {
        io::stdin().lock().take(limit).read_to_string(&mut text)?;
    } else {
        std::fs::File::open(path)?.take(limit).read_to_string(&mut text)?;
    }
    Ok(text)
}
