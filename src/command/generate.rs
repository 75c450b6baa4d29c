//! `xstream generate`: writes man pages and completions from the definitions of the command line.

use std::fs;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;

use super::CommandError;
use crate::cli::{Cli, GenerateArgs};
use crate::observe::explain_text;

/// Writes `man/` and `completions/`.
pub fn run(generate: &GenerateArgs) -> Result<u8, CommandError> {
    let folder = |name: &str| -> anyhow::Result<_> {
        let path = generate.dir.join(name);
        fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(path)
    };
    let man = folder("man")?;
    // Users do not need a page about the verb that writes these pages.
    let mut command = Cli::command();
    command.build();
    write_page(&command, "xstream", &man)?;
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let name = format!("xstream-{}", verb.get_name());
        write_page(verb, &name, &man)?;
        // The pages of `help` would repeat these.
        let parts = verb.get_subcommands().filter(|part| verb.get_name() != "help" && part.get_name() != "help");
        for part in parts {
            write_page(part, &format!("{name}-{}", part.get_name()), &man)?;
        }
    }
    let completions = folder("completions")?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut Cli::command(), "xstream", &completions)
            .with_context(|| format!("writing the completions of {shell}"))?;
    }
    Ok(0)
}

fn write_page(command: &clap::Command, name: &str, folder: &std::path::Path) -> anyhow::Result<()> {
    let mut page = Vec::new();
    let command = command.clone().name(name.to_owned()).bin_name(name.replace('-', " "));
    clap_mangen::Man::new(command).render(&mut page)?;
    if name == "xstream-tail" {
        page.extend_from_slice(reconnection().as_bytes());
    }
    let path = folder.join(format!("{name}.1"));
    fs::write(&path, page).with_context(|| format!("writing {}", path.display()))
}

/// The section of the man page of `tail` that says what it does after which code.
fn reconnection() -> String {
    // A bare `-` is typeset as a hyphen, which cannot be copied into a shell.
    let roff = |text: &str| text.replace('-', "\\-");
    let paragraphs = explain_text::reactions()
        .into_iter()
        .map(|(effect, codes)| format!(".TP\n\\fBtail\\fR {}\nafter {}\n", roff(&effect), roff(&codes.join(", "))));
    let intro = ".SH RECONNECTION\nWhat happens next is decided by the code of the ending; see xstream\\-explain(1).\n";
    intro.to_owned() + &paragraphs.collect::<String>()
}
