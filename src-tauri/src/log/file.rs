//! The files of the log: bounded in size, for their owner only, and never somebody else's behind a link of either kind.

use roundtrip_store::{OpenError, open_own, prepare_inside};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The folder of the log inside the data folder.
pub const FOLDER: &str = "logs";

/// One file holds no more than this.
const FILE_BYTES: u64 = 1024 * 1024;
/// So many older files stay beside the one that is written.
const OLDER: u32 = 4;

/// A log that never takes more than five times [`FILE_BYTES`].
pub struct Bounded {
    dir: PathBuf,
    file: File,
    bytes: u64,
    limit: u64,
}

impl Bounded {
    /// Goes on with the file that is there. Files of earlier versions, one for each day, are taken away. Nothing is touched
    /// before the data folder is known to be ours alone.
    ///
    /// # Errors
    /// As the database refuses a data folder that is shared, and a link in the place of the folder or the file; also a file that
    /// has a second name.
    pub fn open(data_dir: &Path) -> Result<Self, OpenError> {
        Self::with_limit(&prepare_inside(data_dir, FOLDER)?, FILE_BYTES)
    }

    /// In a folder that is prepared, with files of at most `limit` bytes.
    pub(super) fn with_limit(dir: &Path, limit: u64) -> Result<Self, OpenError> {
        for old in ours(dir) {
            if !(0..=OLDER).any(|age| path(dir, age) == old) {
                // A file that cannot be removed is no reason to log nothing.
                let _ = fs::remove_file(old);
            }
        }
        let (file, bytes) = append_to(&path(dir, 0))?;
        Ok(Self {
            dir: dir.to_owned(),
            file,
            bytes,
            limit,
        })
    }

    fn turn_over(&mut self) -> io::Result<()> {
        for age in (0..OLDER).rev() {
            let from = path(&self.dir, age);
            if from.exists() {
                fs::rename(from, path(&self.dir, age + 1))?;
            }
        }
        (self.file, self.bytes) = append_to(&path(&self.dir, 0)).map_err(io::Error::other)?;
        Ok(())
    }
}

impl Write for Bounded {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let more = line.len() as u64;
        if self.bytes + more > self.limit && self.bytes > 0 {
            self.turn_over()?;
        }
        // No line is longer than a whole file: what is written by mistake must not grow past the bound either.
        if more <= self.limit {
            self.file.write_all(line)?;
            self.bytes += more;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn append_to(path: &Path) -> Result<(File, u64), OpenError> {
    let file = open_alone(path, OpenOptions::new().append(true), true)?;
    let bytes = file.metadata().map_or(0, |found| found.len());
    Ok((file, bytes))
}

/// As [`open_own`], and never a file that has another name, too: what is written here would be somebody else's there.
fn open_alone(path: &Path, options: &OpenOptions, make: bool) -> Result<File, OpenError> {
    // Before it is opened, for opening narrows its rights; and after, for it may have got another name since.
    if let Ok(found) = fs::symlink_metadata(path) {
        refuse_second_name(path, &found)?;
    }
    let file = open_own(path, options, make)?;
    if let Ok(opened) = file.metadata() {
        refuse_second_name(path, &opened)?;
    }
    Ok(file)
}

#[cfg(unix)]
fn refuse_second_name(path: &Path, found: &fs::Metadata) -> Result<(), OpenError> {
    use std::os::unix::fs::MetadataExt;
    match found.is_file() && found.nlink() > 1 {
        true => Err(OpenError::HardLink {
            path: path.to_owned(),
        }),
        false => Ok(()),
    }
}

/// The system does not tell without opening the file for it.
#[cfg(not(unix))]
fn refuse_second_name(_path: &Path, _found: &fs::Metadata) -> Result<(), OpenError> {
    Ok(())
}

/// The files of this folder that are the log's, by name: `roundtrip.log` and `roundtrip.….log`. Links are none of them, nor is
/// anything in a folder that is a link itself.
fn ours(dir: &Path) -> Vec<PathBuf> {
    if !fs::symlink_metadata(dir).is_ok_and(|found| found.is_dir()) {
        return Vec::new();
    }
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let own = entries.filter(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // The type of the entry itself: a link is not followed.
        name.starts_with("roundtrip.")
            && name.ends_with(".log")
            && entry.file_type().is_ok_and(|found| found.is_file())
    });
    own.map(|entry| entry.path()).collect()
}

/// Empties the files of the log in this folder. One that is open goes on from its beginning.
pub fn empty(dir: &Path) {
    for path in ours(dir) {
        // One that cannot be emptied is only codes.
        if let Ok(file) = open_alone(&path, OpenOptions::new().write(true), false) {
            let _ = file.set_len(0);
        }
    }
}

/// The file that is written has age 0.
fn path(dir: &Path, age: u32) -> PathBuf {
    match age {
        0 => dir.join("roundtrip.log"),
        age => dir.join(format!("roundtrip.{age}.log")),
    }
}

/// The last lines of the log, oldest first. They go into a report, so nothing is read through a link.
pub fn newest_lines(dir: &Path, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let own = ours(dir);
    for path in (0..=OLDER)
        .map(|age| path(dir, age))
        .filter(|path| own.contains(path))
    {
        let text = read(&path).unwrap_or_default();
        let older: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.splice(0..0, older);
        if lines.len() >= most {
            break;
        }
    }
    lines.split_off(lines.len().saturating_sub(most))
}

fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    let mut file = open_alone(path, OpenOptions::new().read(true), false).ok()?;
    file.read_to_string(&mut text).ok()?;
    Some(text)
}
