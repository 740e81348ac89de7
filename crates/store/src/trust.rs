//! May the file be taken for sound without a look at all of it? The look reads every page: with ten thousand appointments
//! it is most of what opening takes.
//!
//! A process that ends as it should looks at the end, when nobody waits for it, and leaves a *mark* beside the database: how
//! the file was then. The next start takes the mark away, and believes it only if the file is still that one and nothing lies
//! beside it (SQLite removes the write-ahead log at a clean end, never at any other). After a crash, a power cut, a backup
//! that was put back, or an end that found damage there is no mark that fits, and the start looks itself.

use crate::directory::{directory_error, open_private};
use crate::error::OpenError;
use crate::open::{FILE, has_parts};
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};
use std::path::Path;
use std::time::UNIX_EPOCH;
use std::{fs, io};

/// The name of the mark.
const MARK_FILE: &str = "roundtrip.sound";
/// A mark is far shorter.
const MARK_MAX_BYTES: u64 = 1_024;

/// The database file at a clean end.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// Size of the file.
    bytes: u64,
    /// When it was last written, as the file system says it: seconds since 1970, and nanoseconds of that second.
    written: (u64, u32),
}

/// Takes the mark away, so that it counts once. True if it is of the file as it is now.
pub(crate) fn take(dir: &Path) -> bool {
    let mark = read(dir);
    match fs::remove_file(dir.join(MARK_FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return false,
        Ok(()) | Err(_) => {}
    }
    mark.is_some() && mark == of_the_file(dir)
}

/// Leaves a mark of a sound file after the last connection was closed. Another process that still has it open leaves one at
/// its own end. Without a mark the next start looks at everything, so one that cannot be written is no error.
pub(crate) fn leave(dir: &Path) {
    if let Some(mark) = of_the_file(dir)
        && let Err(error) = write(dir, &mark)
    {
        tracing::debug!(%error, "the database is looked at again with the next start");
    }
}

fn read(dir: &Path) -> Option<Mark> {
    let path = dir.join(MARK_FILE);
    // Where there is none, none is made.
    path.symlink_metadata().ok()?;
    let mut text = String::new();
    let file = open_private(&path).ok()?;
    file.take(MARK_MAX_BYTES).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn write(dir: &Path, mark: &Mark) -> Result<(), OpenError> {
    let path = dir.join(MARK_FILE);
    let mut file = open_private(&path)?;
    let written = serde_json::to_vec(mark)
        .map_err(io::Error::from)
        .and_then(|bytes| file.set_len(0).and_then(|()| file.write_all(&bytes)));
    written.map_err(|source| directory_error(&path, source))
}

/// The mark of the file as it is; none while SQLite has something beside it.
fn of_the_file(dir: &Path) -> Option<Mark> {
    let path = dir.join(FILE);
    if has_parts(&path) {
        return None;
    }
    let found = fs::symlink_metadata(path).ok()?;
    let written = found.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Mark {
        bytes: found.len(),
        written: (written.as_secs(), written.subsec_nanos()),
    })
}
