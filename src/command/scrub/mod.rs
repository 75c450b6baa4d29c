//! `xstream scrub`: applies what compliance messages require to archives.
//!
//! The first pass collects the effects of all files, the last one applies them; without an effect there is no last
//! pass. Only `--edits latest` needs one between them, if posts were edited: which versions are there is known only
//! once all edits are.
//!
//! Its law: nothing is replaced before every file was found and read.

mod report;

use std::cell::OnceCell;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::Context as _;

use super::{CommandError, usage_error};
use crate::cli::{EditsArg, ScrubArgs};
use crate::protocol::compliance::table::EffectLog;
use crate::session::Outcome;
use crate::store::rewrite::blocks::Blocks;
use crate::store::rewrite::collect::{Reading, collect, find_versions};
use crate::store::rewrite::find::{ENDINGS, Found};
use crate::store::rewrite::replacement::remove_leftover;
use crate::store::rewrite::scrub::{Mode, Scrubbed, scrub};
use crate::terminal::console::Console;
use crate::terminal::is_stdout;
use crate::terminal::signal::Interrupt;
use report::{Purpose, Report};

/// Smaller archives are done before the user could read their progress.
const PROGRESS_FROM: u64 = 16 << 20;

/// The progress in the bytes of all passes.
const BAR: &str = "scrub {bar:20} {percent}% · {binary_bytes_per_sec} · {eta} left";

/// Runs the verb; returns the exit status.
pub fn run(args: &ScrubArgs, console: &mut Console) -> Result<u8, CommandError> {
    console.set_options((&args.output).into());
    let mut found = Found::default();
    for path in &args.archives {
        found.add(path).or_else(|refusal| usage_error(refusal.to_string()))?;
    }
    if found.archives.is_empty() {
        return usage_error(format!(
            "no archive there: their names end in {}, or in one of these and .gz",
            ENDINGS.join(", ")
        ));
    }
    for archive in &found.archives {
        if File::open(&archive.path).is_ok_and(is_stdout) {
            return usage_error(format!("{} is the file that stdout is written to", archive.path.display()));
        }
    }
    let mut events = Vec::new();
    for path in &args.events {
        events.push(EventFile::open(path, &found)?);
    }
    let archived: u64 = found.archives.iter().map(|archive| archive.about.len()).sum();
    let length = 2 * archived + events.iter().map(|file| file.size).sum::<u64>();
    console.start_progress(length, BAR, length >= PROGRESS_FROM);
    let interrupt = OnceCell::new();
    let mut run = ScrubRun { args, found: &found, console, interrupt: &interrupt, done: 0 };
    let result = run.passes(events);
    console.end_progress();
    for path in &found.skipped {
        console.info(&format!("skipped {}: a symbolic link, or still written; name it to scrub it", path.display()));
    }
    match (result, interrupt.get().and_then(Interrupt::signal)) {
        (Ok(Some(report)), _) => report.finish(),
        (Ok(None), Some(signal)) => Ok(Outcome::Signalled(signal).code()),
        (Ok(None), None) => unreachable!("only a signal stops the passes"),
        (Err(error), _) => Err(error),
    }
}

/// A file of compliance messages.
struct EventFile {
    name: String,
    file: File,
    size: u64,
}

impl EventFile {
    /// Opens it.
    fn open(path: &Path, found: &Found) -> Result<EventFile, CommandError> {
        let (name, file) = if path == Path::new("-") {
            let copy = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3);
            ("stdin".to_owned(), copy.map(File::from).map_err(io::Error::from))
        } else {
            (path.display().to_string(), File::open(path))
        };
        let opened = file.and_then(|file| file.metadata().map(|about| (file, about)));
        let (file, about) = opened.or_else(|error| usage_error(format!("{name}: {error}")))?;
        if about.is_dir() {
            return usage_error(format!("{name} is a folder; --events needs a file"));
        }
        let size = if about.is_file() { about.len() } else { 0 };
        if found.has(&about) {
            return usage_error(format!(
                "{name} is one of the archives, whose compliance messages are applied anyway: leave it out of --events"
            ));
        }
        Ok(EventFile { name, file, size })
    }
}

/// The passes over all files.
struct ScrubRun<'a> {
    args: &'a ScrubArgs,
    found: &'a Found,
    console: &'a Console,
    /// Set before the archives are read. Until then a signal ends the process at once: nothing is replaced yet, and
    /// stdin may be silent without limit.
    interrupt: &'a OnceCell<Interrupt>,
    /// Bytes of the files that are done.
    done: u64,
}

impl<'a> ScrubRun<'a> {
    /// Makes all passes. None: a signal stopped them.
    fn passes(&mut self, events: Vec<EventFile>) -> Result<Option<Report<'a>>, CommandError> {
        let ScrubArgs { check, salvage, .. } = *self.args;
        let mut report = Report::new(self.console, Purpose { dry: self.is_dry(), check, salvage });
        let latest = self.args.edits == EditsArg::Latest;
        let mut log = EffectLog::new(self.args.withheld_in.clone(), latest);
        let (alone, _) = EffectLog::new(self.args.withheld_in.clone(), false).settle();
        for EventFile { name, file, size } in events {
            let reading = || format!("reading {name}");
            let blocks = Blocks::new(file).with_context(reading)?;
            let progress = &mut self.progress();
            let Some(read) = collect(blocks, size, &mut log, &alone, progress).with_context(reading)? else {
                return Ok(None);
            };
            if 2 * read.objects < read.lines {
                return usage_error(format!(
                    "{name} is not NDJSON: {} of its {} lines are JSON objects",
                    read.objects, read.lines
                ));
            }
            self.done += size;
            report.add_events(&name, &read)?;
        }
        let interrupt = Interrupt::new().context("watching for signals")?;
        let _ = self.interrupt.set(interrupt);
        let mut readings = Vec::new();
        for archive in &self.found.archives {
            let reading = || format!("reading {}", archive.path.display());
            let (blocks, size) = (Blocks::open(&archive.path).with_context(reading)?, archive.about.len());
            let progress = &mut self.progress();
            let Some(read) = collect(blocks, size, &mut log, &alone, progress).with_context(reading)? else {
                return Ok(None);
            };
            self.done += size;
            readings.push(read);
        }
        let has_effect = !log.is_empty() || readings.iter().any(|reading| reading.withheld);
        let (mut table, edits) = log.settle();
        if !edits.is_empty() {
            let mut present = Vec::new();
            for archive in &self.found.archives {
                let reading = || format!("reading {}", archive.path.display());
                let (blocks, size) = (Blocks::open(&archive.path).with_context(reading)?, archive.about.len());
                // The bar shows two passes; this one counts within the second.
                let progress = &mut self.progress();
                if find_versions(blocks, size, &edits, &table, &mut present, progress).with_context(reading)?.is_none()
                {
                    return Ok(None);
                }
            }
            table.set_superseded(edits.superseded(present));
        }
        if !self.is_dry() {
            for path in &self.found.leftovers {
                remove_leftover(path).with_context(|| format!("removing {}", path.display()))?;
            }
        }
        for (archive, reading) in self.found.archives.iter().zip(readings) {
            let result = if has_effect || (reading.damage.is_some() && salvage) {
                match scrub(archive, &table, self.mode(&reading), &mut self.progress()) {
                    Ok(None) => return Ok(None),
                    Ok(Some(scrubbed)) => Ok(scrubbed),
                    Err(error) => Err(error),
                }
            } else {
                Ok(Scrubbed::default())
            };
            self.done += archive.about.len();
            report.add(archive, &reading, result)?;
        }
        Ok(Some(report))
    }

    fn is_dry(&self) -> bool {
        self.args.dry_run || self.args.check
    }

    fn mode(&self, reading: &Reading) -> Mode {
        match (&reading.damage, self.args.salvage) {
            _ if self.is_dry() => Mode::Report,
            (Some(_), false) => Mode::Report,
            (_, true) => Mode::Salvage,
            (None, false) => Mode::Replace,
        }
    }

    /// Shows how far the current file was read, and stops at a signal.
    fn progress(&self) -> impl FnMut(u64) -> ControlFlow<()> + use<'a> {
        let (console, interrupt, done) = (self.console, self.interrupt, self.done);
        move |offset| {
            console.set_progress(done + offset);
            if interrupt.get().and_then(Interrupt::signal).is_some() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        }
    }
}
