//! Finds the archives that the arguments name: files as they are, folders with all that is in them.
//!
//! In a folder a file counts as an archive by its name: it ends in one of [`ENDINGS`], or in one of them and `.gz`.
//! Hidden files and folders are skipped, and symbolic links in folders are not followed: what they lead to may be
//! outside. A file that is still written (`.part`) has another name, so it is skipped as well.
//!
//! Its law: no file is found twice, under whatever names. A file that is replaced under one name would live on
//! under the other, and what was read would no longer be what is replaced.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::leftover::is_leftover;

/// How the names of archives end.
pub const ENDINGS: [&str; 3] = [".ndjson", ".jsonl", ".json"];

/// How deep folders are searched. Archives by year, month, day and hour need four levels; without a bound, a file
/// system that contains itself (a bind mount) would be searched without end.
const MAX_DEPTH: u32 = 64;

/// One archive, and what the system knew of it before it was read.
#[derive(Debug)]
pub struct ArchiveFile {
    /// Where it is; the target, where the argument is a symbolic link.
    pub path: PathBuf,
    /// Its size, mode, owner and times.
    pub about: Metadata,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The archives: the arguments in their order, each folder sorted by name.
    pub archives: Vec<ArchiveFile>,
    /// What an interrupted rewrite left in the folders.
    pub leftovers: Vec<PathBuf>,
    /// Files in the folders that may hold posts and are not processed: symbolic links, and those still written.
    pub skipped: Vec<PathBuf>,
    seen: HashMap<(u64, u64), PathBuf>,
}

/// Why an argument cannot be processed.
#[derive(Debug)]
pub enum FindError {
    /// The system refuses it.
    Io(PathBuf, io::Error),
    /// It is a device, a pipe or a socket.
    NotAFile(PathBuf),
    /// It is the same file as another one.
    Same(PathBuf, PathBuf),
}

impl std::fmt::Display for FindError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FindError::Io(path, error) => write!(f, "{}: {error}", path.display()),
            FindError::NotAFile(path) => write!(f, "{} is neither a regular file nor a folder", path.display()),
            FindError::Same(path, other) if path == other => write!(f, "{} is named twice", path.display()),
            FindError::Same(path, other) => {
                write!(f, "{} and {} are the same file", other.display(), path.display())
            }
        }
    }
}

impl Found {
    /// Adds the archives that an argument names.
    ///
    /// # Errors
    /// It does not exist, cannot be read, or names a file that was found before.
    pub fn add(&mut self, argument: &Path) -> Result<(), FindError> {
        // A rename would replace the link, not the file.
        let path = fs::canonicalize(argument).map_err(|error| FindError::Io(argument.to_owned(), error))?;
        let about = fs::metadata(&path).map_err(|error| FindError::Io(argument.to_owned(), error))?;
        // The path as the user wrote it, where it is the same.
        let path = if fs::symlink_metadata(argument).is_ok_and(|about| about.is_symlink()) {
            path
        } else {
            argument.to_owned()
        };
        if about.is_dir() { self.walk(&path, 0) } else { self.push(path, about) }
    }

    /// Whether a file was found, under any name.
    #[must_use]
    pub fn has(&self, about: &Metadata) -> bool {
        self.seen.contains_key(&(about.dev(), about.ino()))
    }

    fn walk(&mut self, folder: &Path, depth: u32) -> Result<(), FindError> {
        let refused = |error| FindError::Io(folder.to_owned(), error);
        if depth == MAX_DEPTH {
            return Err(refused(io::Error::other("nested too deeply")));
        }
        let entries: io::Result<Vec<fs::DirEntry>> = fs::read_dir(folder).and_then(Iterator::collect);
        let mut entries = entries.map_err(refused)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (path, name) = (entry.path(), entry.file_name());
            let about = entry.metadata().map_err(|error| FindError::Io(path.clone(), error))?;
            if is_leftover(&name) && about.is_file() {
                self.leftovers.push(path);
            } else if name.as_bytes().starts_with(b".") {
                // Hidden.
            } else if about.is_symlink() || name.as_bytes().ends_with(b".part") {
                self.skipped.push(path);
            } else if about.is_dir() {
                self.walk(&path, depth + 1)?;
            } else if about.is_file() && name.to_str().is_some_and(is_archive) {
                self.push(path, about)?;
            }
        }
        Ok(())
    }

    fn push(&mut self, path: PathBuf, about: Metadata) -> Result<(), FindError> {
        if !about.is_file() {
            return Err(FindError::NotAFile(path));
        }
        if let Some(other) = self.seen.insert((about.dev(), about.ino()), path.clone()) {
            return Err(FindError::Same(path, other));
        }
        // A file that cannot be read is reported before any is rewritten.
        fs::File::open(&path).map_err(|error| FindError::Io(path.clone(), error))?;
        self.archives.push(ArchiveFile { path, about });
        Ok(())
    }
}

/// Whether a file of this name in a folder is an archive.
fn is_archive(name: &str) -> bool {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn names(found: &Found, root: &Path) -> Vec<String> {
        let relative = |path: &Path| path.strip_prefix(root).expect("in the folder").display().to_string();
        found.archives.iter().map(|archive| relative(&archive.path)).collect()
    }

    #[test]
    fn a_folder_is_searched_for_the_names_of_archives_and_links_in_it_are_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        fs::create_dir_all(root.join("2026/11")).expect("folders");
        fs::create_dir_all(root.join(".git")).expect("folders");
        for name in [
            "b.ndjson.gz",
            "a.jsonl",
            "2026/11/c.json",
            "notes.txt",
            "d.ndjson.part",
            ".hidden.ndjson",
            ".git/e.json",
            ".a.jsonl.xstream-scrub",
            "c.gz",
        ] {
            fs::write(root.join(name), "{}\n").expect("a file");
        }
        symlink(root.join("notes.txt"), root.join("link.ndjson")).expect("a link");
        symlink(root, root.join("again")).expect("a link");
        let mut found = Found::default();
        found.add(root).expect("archives");
        assert_eq!(names(&found, root), ["2026/11/c.json", "a.jsonl", "b.ndjson.gz"]);
        let skipped: Vec<_> = found.skipped.iter().filter_map(|path| path.file_name()).collect();
        assert_eq!(skipped, ["again", "d.ndjson.part", "link.ndjson"]);
        assert_eq!(found.leftovers, [root.join(".a.jsonl.xstream-scrub")]);
        // Named as an argument, a file of any name is an archive, and a link leads to it.
        found.add(&root.join("link.ndjson")).expect("a file");
        assert_eq!(names(&found, &fs::canonicalize(root).expect("a path")).len(), 4);
    }

    #[test]
    fn one_file_under_two_names_and_what_is_no_file_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let (a, b) = (folder.path().join("a.ndjson"), folder.path().join("b.ndjson"));
        fs::write(&a, "{}\n").expect("a file");
        fs::hard_link(&a, &b).expect("a link");
        let refused = |paths: &[&Path]| {
            let mut found = Found::default();
            paths.iter().find_map(|path| found.add(path).err()).map(|refusal| refusal.to_string())
        };
        assert!(refused(&[&a, &a]).is_some_and(|text| text.ends_with("a.ndjson is named twice")));
        assert!(refused(&[&a, &b]).is_some_and(|text| text.ends_with("are the same file")));
        assert!(refused(&[folder.path()]).is_some());
        assert!(refused(&[&folder.path().join("c")]).is_some_and(|text| text.contains("No such file")));
        assert!(refused(&[Path::new("/dev/null")]).is_some_and(|text| text.contains("neither")));
        assert_eq!(refused(&[&a]), None);
    }
}
