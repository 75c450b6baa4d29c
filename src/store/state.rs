//! The state file: the connection requests of the last 15 minutes, shared by runs and processes of one app.
//!
//! X counts requests by app, not by process, so a script that starts `xstream` in a loop must not start each
//! time with an empty count. The file is small JSON, replaced in one step, and changed only under a lock that
//! lies in a file beside it (the file itself is replaced, so a lock on it would be lost).
//!
//! Its law: what is not ours is never overwritten. A file that cannot be understood is an error.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::fs::{FlockOperation, flock};
use serde_json::{Map, Value, json};

use crate::session::budget::Shared;

/// Says that a file is ours, and which edition of the format it is in.
const FORMAT: &str = "xstream-state";
const VERSION: u64 = 1;

/// How long a lock may be held by others. They hold it for a millisecond, unless they were stopped just then.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// A state file of ours weighs a few kilobytes; one of this size is something else.
const LARGEST: u64 = 4 << 20;

/// The budget of one stream in a state file.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    lock: PathBuf,
    /// The stream that is counted: its host and path.
    key: String,
}

/// The file under our lock, as it was read.
pub struct Held<'a> {
    store: &'a Store,
    whole: Value,
    _lock: File,
}

impl Store {
    /// Opens the file, or prepares to make it, and checks that it is ours.
    ///
    /// # Errors
    /// It cannot be read or locked, is not a state file, or is of a later format.
    pub async fn open(path: &Path, key: String) -> anyhow::Result<Store> {
        let mut lock = path.as_os_str().to_owned();
        lock.push(".lock");
        let store = Store { path: path.to_owned(), lock: lock.into(), key };
        drop(store.hold().await?);
        Ok(store)
    }

    /// Locks the file and reads it.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn hold(&self) -> anyhow::Result<Held<'_>> {
        let name = self.path.display();
        let open = OpenOptions::new().create(true).write(true).truncate(false).open(&self.lock);
        let lock = open.with_context(|| format!("locking the state file {name}"))?;
        let began = tokio::time::Instant::now();
        while let Err(error) = flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK || began.elapsed() > LOCK_PATIENCE {
                return Err(io::Error::from(error)).with_context(|| format!("locking the state file {name}"));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let whole = self.read().with_context(|| format!("reading the state file {name}"))?;
        Ok(Held { store: self, whole, _lock: lock })
    }

    fn read(&self) -> anyhow::Result<Value> {
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
        let other = "it is not a state file of xstream; name another file, or move it away";
        let whole: Value = serde_json::from_slice(&bytes).context(other)?;
        if whole.get("format").and_then(Value::as_str) != Some(FORMAT) {
            bail!("{other}");
        }
        match whole.get("version").and_then(Value::as_u64) {
            Some(VERSION) if whole.get("budget").is_some_and(Value::is_object) => Ok(whole),
            Some(version) if version > VERSION => bail!("it is of format {version}, which this xstream does not know"),
            _ => bail!("{other}"),
        }
    }
}

impl Held<'_> {
    /// What this and other processes spent, on the wall clock.
    #[must_use]
    pub fn budget(&self) -> Shared {
        let entry = self.whole.get("budget").and_then(|budget| budget.get(&self.store.key));
        let field = |name: &str| entry.and_then(|entry| entry.get(name));
        Shared {
            requests: field("requests")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_u64)
                .collect(),
            allowance: field("left")
                .and_then(Value::as_u64)
                .and_then(|left| u32::try_from(left).ok())
                .zip(field("until").and_then(Value::as_u64)),
        }
    }

    /// Writes what was spent, in one step, and gives the lock back.
    ///
    /// # Errors
    /// The file cannot be written; then it is as it was.
    pub fn save(mut self, shared: &Shared) -> anyhow::Result<()> {
        let mut entry = Map::new();
        entry.insert("requests".to_owned(), shared.requests.clone().into());
        if let Some((left, until)) = shared.allowance {
            entry.insert("left".to_owned(), left.into());
            entry.insert("until".to_owned(), until.into());
        }
        self.whole["budget"][&self.store.key] = entry.into();
        self.store.replace(&self.whole).with_context(|| format!("writing the state file {}", self.store.path.display()))
    }
}

impl Store {
    fn replace(&self, whole: &Value) -> io::Result<()> {
        // Beside the file, since a rename works only within a file system. One name is enough under the lock.
        let mut fresh = self.path.as_os_str().to_owned();
        fresh.push(".new");
        let mut file = File::create(&fresh)?;
        file.write_all(format!("{whole}\n").as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)
    }
}
