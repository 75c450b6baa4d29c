//! `xstream`: parse, run, report, exit.

use std::ffi::OsString;
use std::process::ExitCode;

use xstream::{cli, command};

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    match cli::parse(&arguments) {
        Ok(cli) => ExitCode::from(command::run(cli.verb, &arguments)),
        Err((text, status)) => {
            command::print_page(&text, status);
            ExitCode::from(status)
        }
    }
}
