//! The state file: the connection requests of the last 15 minutes and the posts of each day, shared by runs and
//! processes of one app.
//!
//! X counts requests by app, not by process, so a script that starts `xstream` in a loop must not start each
//! time with an empty count. The file is small JSON, replaced in one step, and changed only under a lock that
//! lies in a file beside it (the file itself is replaced, so a lock on it would be lost). Each time is written
//! on the wall clock and on the monotonic clock, which does not jump.
//!
//! Its law: a file that is not a state file of this tool is never overwritten, and is an error.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde_json::{Value, json};

use crate::session::budget::{SharedBudget, StoredTime};

/// Marks a state file, with the version of its format.
const FORMAT: &str = "xstream-state";
const VERSION: u64 = 1;

/// A state file has a few kilobytes; a file of this size is not one.
const LARGEST: u64 = 4 << 20;

/// One stream of one host in a state file.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    lock: PathBuf,
    host: String,
    /// The stream whose requests are counted: its host and path.
    key: String,
    /// The id of this boot, if the system has one.
    boot: Option<String>,
}

/// The file under our lock, as it was read.
pub struct LockedState<'a> {
    store: &'a Store,
    whole: Value,
    budget: SharedBudget,
    _lock: File,
}

impl Store {
    /// Names the file, and the host and path of the stream that is counted in it. `monotonic`: whether times on the
    /// monotonic clock can be compared between processes.
    ///
    /// # Errors
    /// The folder does not exist.
    pub fn new(path: &Path, host: String, stream: &str, monotonic: bool) -> anyhow::Result<Store> {
        let failed = || format!("opening the state file {}", path.display());
        // The target of a link is the file that is replaced; all its names must share one lock.
        let path = if let Ok(path) = path.canonicalize() {
            path
        } else {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let name = path.file_name().context("it names no file").with_context(failed)?;
            folder.canonicalize().with_context(failed)?.join(name)
        };
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().filter(|_| monotonic);
        let boot = boot.map(|text| text.trim().to_owned());
        Ok(Store { lock: beside(&path, ".lock"), path, key: format!("{host}{stream}"), host, boot })
    }

    /// Locks the file and reads it; none while another process holds the lock.
    ///
    /// # Errors
    /// It cannot be read or locked, is not a state file, or is of a later format.
    pub fn try_lock(&self) -> anyhow::Result<Option<LockedState<'_>>> {
        let name = self.path.display();
        if fs::metadata(&self.path).is_ok_and(|about| !about.is_file()) {
            // No lock file is left beside a file that is not a state file.
            bail!("reading the state file {name}: it is not a file");
        }
        let open = OpenOptions::new().create(true).write(true).truncate(false).open(&self.lock);
        let lock = open.with_context(|| format!("locking the state file {name}"))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK | Errno::INTR) => return Ok(None),
            Err(error) => return Err(io::Error::from(error)).with_context(|| format!("locking the state file {name}")),
        }
        let whole = self.read().with_context(|| format!("reading the state file {name}"))?;
        let budget = self.budget(&whole).with_context(|| format!("reading the state file {name}: {FOREIGN}"))?;
        Ok(Some(LockedState { store: self, whole, budget, _lock: lock }))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The lock file, for a user who needs to find the process that holds it.
    #[must_use]
    pub fn lock(&self) -> &Path {
        &self.lock
    }

    pub(super) fn read(&self) -> anyhow::Result<Value> {
        let bytes = match fs::metadata(&self.path) {
            Ok(about) if !about.is_file() => bail!("it is not a file"),
            Ok(about) if about.len() > LARGEST => bail!("it is too large to be a state file"),
            Ok(_) => fs::read(&self.path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        if bytes.is_empty() {
            return Ok(json!({ "format": FORMAT, "version": VERSION, "budget": {} }));
        }
        let whole: Value = serde_json::from_slice(&bytes).context(FOREIGN)?;
        if whole.get("format").and_then(Value::as_str) != Some(FORMAT) {
            bail!("{FOREIGN}");
        }
        match whole.get("version").and_then(Value::as_u64) {
            Some(VERSION) if whole.get("budget").is_some_and(Value::is_object) => Ok(whole),
            Some(version) if version > VERSION => bail!("it is of format {version}, which this xstream does not know"),
            _ => bail!("{FOREIGN}"),
        }
    }

    /// The budget of our stream; none unless every member is valid.
    fn budget(&self, whole: &Value) -> Option<SharedBudget> {
        let Some(entry) = whole.get("budget")?.get(&self.key) else {
            return Some(SharedBudget::default());
        };
        let same_boot = entry.get("boot").map(Value::as_str) == Some(self.boot.as_deref()) && self.boot.is_some();
        let time = |value: &Value| {
            let [wall, monotonic] = value.as_array()?.as_slice() else { return None };
            Some(StoredTime { wall: wall.as_u64()?, monotonic: monotonic.as_u64().filter(|_| same_boot) })
        };
        let requests: Option<Vec<StoredTime>> = entry.get("requests")?.as_array()?.iter().map(time).collect();
        let allowance = match (entry.get("left"), entry.get("until"), entry.get("told")) {
            (None, None, None) => None,
            (left, until, reported) => Some((u32::try_from(left?.as_u64()?).ok()?, time(until?)?, time(reported?)?)),
        };
        Some(SharedBudget { requests: requests?, allowance })
    }
}

/// Replaces the contents of a file in one step.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Beside the file, since a rename works only within a file system, and under a name that no other process uses.
    let fresh = beside(path, &format!(".{}.new", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        // A half written file is of no use; the write error is returned in any case.
        let _ = fs::remove_file(&fresh);
    }
    written
}

pub(super) const FOREIGN: &str = "it is not a state file of xstream; name another file, or move it away";

pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

impl<'a> LockedState<'a> {
    pub(super) fn store(&self) -> &'a Store {
        self.store
    }

    pub(super) fn whole(&self) -> &Value {
        &self.whole
    }

    pub(super) fn whole_mut(&mut self) -> &mut Value {
        &mut self.whole
    }

    pub(super) fn write(&self) -> io::Result<()> {
        replace(&self.store.path, format!("{}\n", self.whole).as_bytes())
    }

    /// The requests of this and other processes.
    #[must_use]
    pub fn budget(&self) -> &SharedBudget {
        &self.budget
    }

    /// Writes the requests, in one step.
    ///
    /// # Errors
    /// The file cannot be written; then it is as it was.
    pub fn save(&mut self, shared: &SharedBudget) -> anyhow::Result<()> {
        if *shared == self.budget {
            return Ok(());
        }
        let time = |time: &StoredTime| json!([time.wall, time.monotonic]);
        let requests: Vec<Value> = shared.requests.iter().map(time).collect();
        let mut entry = json!({ "boot": self.store.boot, "requests": requests });
        if let Some((left, until, reported)) = &shared.allowance {
            entry["left"] = (*left).into();
            entry["until"] = time(until);
            entry["told"] = time(reported);
        }
        self.whole["budget"][&self.store.key] = entry;
        self.budget = shared.clone();
        self.write().with_context(|| format!("writing the state file {}", self.store.path.display()))
    }
}
