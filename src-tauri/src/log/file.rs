//! The files of the log: bounded in size, whatever happens.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

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
    /// Goes on with the file that is there. Files of earlier versions, one for each day, are taken away.
    pub fn open(dir: &Path) -> io::Result<Self> {
        Self::with_limit(dir, FILE_BYTES)
    }

    pub(super) fn with_limit(dir: &Path, limit: u64) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let known: Vec<PathBuf> = (0..=OLDER).map(|age| path(dir, age)).collect();
        for entry in fs::read_dir(dir)?.flatten() {
            let path = entry.path();
            let log = path.extension().is_some_and(|extension| extension == "log");
            if log && !known.contains(&path) {
                // A file that cannot be removed is no reason to log nothing.
                let _ = fs::remove_file(path);
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
        (self.file, self.bytes) = append_to(&path(&self.dir, 0))?;
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

fn append_to(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let bytes = file.metadata()?.len();
    Ok((file, bytes))
}

/// The file that is written has age 0.
fn path(dir: &Path, age: u32) -> PathBuf {
    match age {
        0 => dir.join("roundtrip.log"),
        age => dir.join(format!("roundtrip.{age}.log")),
    }
}

/// The last lines of the log, oldest first.
pub fn newest_lines(dir: &Path, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for age in 0..=OLDER {
        let text = fs::read_to_string(path(dir, age)).unwrap_or_default();
        let older: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.splice(0..0, older);
        if lines.len() >= most {
            break;
        }
    }
    lines.split_off(lines.len().saturating_sub(most))
}
