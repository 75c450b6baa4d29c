//! `xstream`: parse, run, report, exit.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    ExitCode::from(xstream::command::run(&arguments))
}
