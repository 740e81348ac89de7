//! Files that the trainer asked for: exports, reports. They go into the folder for downloads, under a name that is not
//! taken, and only their owner may read them.

use super::Host;
use crate::ipc::dto::{AppError, SavedFile};
use chrono::Local;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

/// So many names are tried before giving up.
const NAMES: u32 = 1_000;

fn not_saved(error: &io::Error) -> AppError {
    AppError {
        code: match error.kind() {
            io::ErrorKind::StorageFull => "disk_full",
            _ => "not_saved",
        }
        .into(),
        detail: None,
        field: None,
        retryable: true,
    }
}

impl Host {
    /// Saves a text as `<stem>-<today>.<extension>` in this folder, and remembers the file as the one saved last.
    ///
    /// # Errors
    /// `not_saved` or `disk_full`; then no file is left behind.
    pub fn save(
        &self,
        folder: &Path,
        (stem, extension): (&str, &str),
        text: &str,
        lines: usize,
    ) -> Result<SavedFile, AppError> {
        let day = self.clock.now().with_timezone(&Local).format("%Y-%m-%d");
        let path = write_new(folder, &format!("{stem}-{day}"), extension, text)
            .map_err(|error| not_saved(&error))?;
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        *self.saved.lock().unwrap_or_else(PoisonError::into_inner) = Some(path);
        Ok(SavedFile {
            name,
            lines: u32::try_from(lines).unwrap_or(u32::MAX),
        })
    }

    /// Says in the audit log that a file was saved: what of, how much, and whether with personal data.
    pub async fn write_down_export(&self, what: &str, lines: u32, personal: bool) {
        let details = serde_json::json!({ "what": what, "lines": lines, "personal": personal });
        if let Err(error) = self
            .database
            .audit(None, "export", &details, self.clock.now())
            .await
        {
            tracing::warn!(%error, "audit log could not be written");
        }
    }

    /// The file that was saved last by this process, if it is still there.
    pub fn saved_last(&self) -> Option<PathBuf> {
        let path = self.saved.lock().unwrap_or_else(PoisonError::into_inner).clone();
        path.filter(|path| path.is_file())
    }
}

/// Writes a new file, never over another one: where the name is taken it gets a number.
fn write_new(folder: &Path, stem: &str, extension: &str, text: &str) -> io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    for number in 1..=NAMES {
        let name = match number {
            1 => format!("{stem}.{extension}"),
            number => format!("{stem}-{number}.{extension}"),
        };
        let path = folder.join(name);
        match private_file(&path) {
            Ok(mut file) => {
                let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
                return match written {
                    Ok(()) => Ok(path),
                    Err(error) => {
                        drop(file);
                        // Half a file would pass for a whole one. If it cannot be removed either, the error says enough.
                        let _ = std::fs::remove_file(&path);
                        Err(error)
                    }
                };
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_ever_overwritten_and_nobody_else_may_read_it() {
        let folder = std::env::temp_dir().join(format!("roundtrip-saved-{}", std::process::id()));
        let first = write_new(&folder, "roundtrip-history-2026-12-01", "csv", "one").expect("saved");
        let second = write_new(&folder, "roundtrip-history-2026-12-01", "csv", "two").expect("saved");
        assert_eq!(
            first.file_name().expect("a name"),
            "roundtrip-history-2026-12-01.csv"
        );
        assert_eq!(
            second.file_name().expect("a name"),
            "roundtrip-history-2026-12-01-2.csv"
        );
        assert_eq!(std::fs::read_to_string(&first).expect("there"), "one");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&first).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::remove_dir_all(&folder).expect("ours");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_said() {
        let file = std::env::temp_dir().join(format!("roundtrip-not-a-folder-{}", std::process::id()));
        std::fs::write(&file, "").expect("written");
        let error = write_new(&file, "x", "csv", "text").expect_err("no folder");
        assert_eq!(not_saved(&error).code, "not_saved");
        std::fs::remove_file(&file).expect("ours");
    }
}
