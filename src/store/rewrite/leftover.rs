//! The name of the new contents of an archive, `.NAME.xstream-scrub`: it is hidden, lies beside the archive, and shows a
//! later run what a crash left.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// How the names of new contents begin and end.
const PREFIX: &[u8] = b".";
const SUFFIX: &[u8] = b".xstream-scrub";

/// Whether a file of this name is what a run writes beside an archive.
pub(super) fn is_leftover(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.len() > PREFIX.len() + SUFFIX.len() && name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}

/// The name of the new contents of an archive.
pub(super) fn beside(archive: &Path) -> PathBuf {
    let name = archive.file_name().unwrap_or_default().as_bytes();
    archive.with_file_name(OsString::from(OsStr::from_bytes(&[PREFIX, name, SUFFIX].concat())))
}
