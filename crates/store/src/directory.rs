//! The data directory: who may read it, which installation it is, and locks that also hold between processes.

use crate::boundary;
use crate::error::OpenError;
use crate::tokens::key::{KeyError, KeySource};
use crate::tokens::keychain;
use roundtrip_core::ids::DeviceId;
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use uuid::Uuid;

const INSTALLATION_FILE: &str = "installation-id";
const DEVICE_FILE: &str = "device-id";

/// Looking at a file and opening it are two steps. If it changed in between (another process turned it over, say), both are
/// done again, so often at most.
const LOOKS: u32 = 16;
/// So often a lock that somebody has is looked at again.
const LOOKED_AT_AGAIN: Duration = Duration::from_millis(50);

/// Makes the directory if need be, for its owner only, and takes the rights of others away from one that is there. Nothing is
/// written into a data directory before this.
///
/// # Errors
/// [`OpenError::SharedDirectory`] for one that everybody may write to, [`OpenError::Directory`] if it cannot be made or closed.
pub fn prepare_directory(dir: &Path) -> Result<(), OpenError> {
    if !dir.exists() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(dir)
            .map_err(|source| directory_error(dir, source))?;
    }
    restrict(dir)
}

/// Makes the directory `name` of ours inside a data directory, which is prepared first, and answers where it is.
///
/// # Errors
/// Those of [`prepare_directory`], and [`OpenError::SymbolicLink`] if a link is in its place.
pub fn prepare_inside(data_dir: &Path, name: &str) -> Result<PathBuf, OpenError> {
    prepare_directory(data_dir)?;
    let dir = data_dir.join(name);
    refuse_link(&dir)?;
    prepare_directory(&dir)?;
    Ok(dir)
}

/// Takes the rights of other users away. On Windows the profile's own access list already does.
#[cfg(unix)]
fn restrict(dir: &Path) -> Result<(), OpenError> {
    use std::os::unix::fs::PermissionsExt;
    let found = fs::metadata(dir).map_err(|source| directory_error(dir, source))?;
    if !found.is_dir() {
        return Err(directory_error(dir, io::ErrorKind::NotADirectory.into()));
    }
    let mode = found.permissions().mode();
    if mode & 0o1000 != 0 {
        // The sticky bit marks a directory that is meant to be shared: closing it would break other programs.
        return Err(OpenError::SharedDirectory { path: dir.to_owned() });
    }
    if mode & 0o077 != 0 {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
            .map_err(|source| directory_error(dir, source))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn restrict(_dir: &Path) -> Result<(), OpenError> {
    Ok(())
}

pub(crate) fn directory_error(path: &Path, source: io::Error) -> OpenError {
    OpenError::Directory {
        path: path.to_owned(),
        source,
    }
}

/// Opens a file of ours for its owner only, making it if need be. Links are refused.
pub(crate) fn open_private(path: &Path) -> Result<File, OpenError> {
    open_own(path, OpenOptions::new().read(true).write(true), true)
}

/// Opens a file of ours as `options` say and takes the rights of other users away from it. A missing one is made, or is an
/// error of the kind `NotFound` if it is not to be. `options` must not truncate or make a file themselves.
///
/// A link is never followed to anything that is then changed: a file that is not there is made by the one call that follows none
/// (`O_EXCL`), and one that is there must be the one that was looked at.
///
/// # Errors
/// [`OpenError::SymbolicLink`] if a link is in its place, [`OpenError::Directory`] for anything else that is no plain file, and
/// for what the system says.
pub fn open_own(path: &Path, options: &OpenOptions, make: bool) -> Result<File, OpenError> {
    let failed = |source| directory_error(path, source);
    for _ in 0..LOOKS {
        let found = match fs::symlink_metadata(path) {
            Ok(found) => Some(found),
            Err(error) if make && error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        if let Some(found) = &found {
            refuse_unless_plain(path, found)?;
        }
        let mut options = options.clone();
        options.create_new(found.is_none());
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = match options.open(path) {
            Ok(file) => file,
            // Made or taken away since it was looked at.
            Err(error) if found.is_none() && error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) if found.is_some() && make && error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        let opened = file.metadata().map_err(failed)?;
        if found.is_none_or(|found| is_the_same(&found, &opened)) {
            narrow(&file, &opened).map_err(failed)?;
            return Ok(file);
        }
    }
    Err(failed(io::ErrorKind::ResourceBusy.into()))
}

fn refuse_unless_plain(path: &Path, found: &fs::Metadata) -> Result<(), OpenError> {
    if found.is_symlink() {
        return Err(OpenError::SymbolicLink {
            path: path.to_owned(),
        });
    }
    if !found.is_file() {
        // A pipe would be waited for without end.
        return Err(directory_error(path, io::ErrorKind::InvalidInput.into()));
    }
    Ok(())
}

#[cfg(unix)]
fn is_the_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Making a link takes special rights on Windows.
#[cfg(not(unix))]
fn is_the_same(_one: &fs::Metadata, _other: &fs::Metadata) -> bool {
    true
}

#[cfg(unix)]
fn narrow(file: &File, found: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if found.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn narrow(_file: &File, _found: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

/// Refuses to go on if the path is a symbolic link. A missing file is fine.
pub(crate) fn refuse_link(path: &Path) -> Result<(), OpenError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_symlink() => Err(OpenError::SymbolicLink {
            path: path.to_owned(),
        }),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(directory_error(path, source)),
    }
}

/// The right to do one thing in a data directory, also between processes. Given back when dropped, or by the system
/// when the process ends.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Waits for the lock called `name`. Blocks.
    pub(crate) fn acquire(dir: &Path, name: &str) -> Result<Self, OpenError> {
        let path = dir.join(format!("{name}.lock"));
        let file = open_private(&path)?;
        file.lock().map_err(|source| directory_error(&path, source))?;
        Ok(Self { _file: file })
    }

    /// Waits for the lock called `name`, at most so long: whoever has it may be stopped, or its disk may hang. Blocks.
    pub(crate) fn acquire_within(dir: &Path, name: &str, wait: Duration) -> Result<Self, OpenError> {
        let since = Instant::now();
        loop {
            if let Some(lock) = Self::try_acquire(dir, name)? {
                return Ok(lock);
            }
            if since.elapsed() >= wait {
                let path = dir.join(format!("{name}.lock"));
                return Err(directory_error(&path, io::ErrorKind::TimedOut.into()));
            }
            std::thread::sleep(LOOKED_AT_AGAIN);
        }
    }

    /// Takes the lock called `name` if nobody has it.
    pub(crate) fn try_acquire(dir: &Path, name: &str) -> Result<Option<Self>, OpenError> {
        let path = dir.join(format!("{name}.lock"));
        let file = open_private(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(source)) => Err(directory_error(&path, source)),
        }
    }
}

/// The id in a file of the directory, if there is one. Makes nothing.
fn id_in(dir: &Path, name: &str) -> Result<Option<Uuid>, OpenError> {
    let path = dir.join(name);
    match open_own(&path, OpenOptions::new().read(true), false) {
        Ok(mut file) => Ok(read_id(&mut file)),
        Err(OpenError::Directory { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Bytes that are no text are as good as no id.
fn read_id(file: &mut File) -> Option<Uuid> {
    let mut text = String::new();
    file.take(64).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// The id in a file of the directory. `preferred` takes its place; where there is neither, a fresh one is written.
fn kept_id(dir: &Path, name: &str, preferred: Option<Uuid>) -> Result<Uuid, OpenError> {
    let path = dir.join(name);
    let mut file = open_private(&path)?;
    let kept = read_id(&mut file);
    let id = preferred.or(kept).unwrap_or_else(Uuid::new_v4);
    if kept != Some(id) {
        write_id(&mut file, id).map_err(|source| directory_error(&path, source))?;
    }
    Ok(id)
}

fn write_id(file: &mut File, id: Uuid) -> io::Result<()> {
    boundary::at("before an id is written");
    file.set_len(0)?;
    file.rewind()?;
    boundary::at("while an id is written");
    writeln!(file, "{id}")?;
    file.sync_all()?;
    boundary::at("after an id was written");
    Ok(())
}

/// Tells this data directory from every other one, so that two of them never share a key.
pub(crate) fn installation_id(dir: &Path) -> Result<Uuid, OpenError> {
    prepare_directory(dir)?;
    let _lock = DirectoryLock::acquire(dir, "installation")?;
    kept_id(dir, INSTALLATION_FILE, None)
}

/// This installation as the platform's writer lease knows it. It lies outside the database, so that a lost database does
/// not look like a second laptop: in a file of the data directory, and in the keychain if `keys` uses one. The keychain is asked
/// where the file has none, so the id survives the loss of the whole directory; it may wait for a person to unlock it, and a start
/// is not to wait for that. See [`keep_device_id`] for an id that a keychain could not be told then.
pub async fn device_id(data_dir: &Path, keys: &KeySource) -> Result<DeviceId, OpenError> {
    let dir = data_dir.to_owned();
    let use_keychain = keys.uses_keychain();
    let id = blocking(move || {
        prepare_directory(&dir)?;
        let _lock = DirectoryLock::acquire(&dir, "installation")?;
        if !use_keychain {
            return kept_id(&dir, DEVICE_FILE, None);
        }
        let name = device_entry(&dir)?;
        let ask = || {
            let kept = keychain::read(&name).ok().flatten()?;
            Uuid::from_slice(&kept).ok()
        };
        let (id, is_told) = kept_or_asked(&dir, DEVICE_FILE, ask)?;
        if !is_told && let Err(error) = keychain::write(&name, id.as_bytes()) {
            tracing::debug!(%error, "device id is kept in a file only");
        }
        Ok(id)
    })
    .await?;
    Ok(DeviceId::new(id.to_string()))
}

/// Writes the id that [`device_id`] answers into the keychain too, if `keys` uses one and it has another one or none. For when the
/// keychain is known to answer: it may have been locked when the id was made. Without an id in the directory nothing is done.
///
/// # Errors
/// The directory's, or that the keychain did not take it: then the id is in the file only, as before.
pub async fn keep_device_id(data_dir: &Path, keys: &KeySource) -> Result<(), OpenError> {
    if !keys.uses_keychain() {
        return Ok(());
    }
    let dir = data_dir.to_owned();
    blocking(move || {
        if kept_device_id(&dir)?.is_none() {
            return Ok(());
        }
        let name = device_entry(&dir)?;
        let known = || Ok(keychain::read(&name)?.map(|kept| kept.to_vec()));
        let tell = |bytes: &[u8]| keychain::write(&name, bytes);
        tell_what_is_kept(&dir, known, tell, || keychain::remove(&name))
    })
    .await
}

fn kept_device_id(dir: &Path) -> Result<Option<Uuid>, OpenError> {
    if !dir.exists() {
        return Ok(None);
    }
    let _lock = DirectoryLock::acquire(dir, "installation")?;
    id_in(dir, DEVICE_FILE)
}

/// Tells the id that the directory has. A keychain may ask a person, for minutes, and nobody is to wait for the lock meanwhile, least
/// of all a start. So what was told is compared with what the directory has by then: an id that was forgotten does not come back,
/// and an older one does not take the place of a newer.
fn tell_what_is_kept(
    dir: &Path,
    known: impl Fn() -> Result<Option<Vec<u8>>, KeyError>,
    tell: impl Fn(&[u8]) -> Result<(), KeyError>,
    forget: impl Fn() -> Result<(), KeyError>,
) -> Result<(), OpenError> {
    let mut kept = kept_device_id(dir)?;
    loop {
        let told = match kept {
            Some(id) => tell_unless_known(id, &known, &tell),
            None => forget(),
        };
        told.map_err(|error| directory_error(dir, io::Error::other(error)))?;
        let before = std::mem::replace(&mut kept, kept_device_id(dir)?);
        if kept == before {
            return Ok(());
        }
    }
}

/// Whoever cannot say what it knows is told nothing.
fn tell_unless_known(
    id: Uuid,
    known: impl FnOnce() -> Result<Option<Vec<u8>>, KeyError>,
    tell: impl FnOnce(&[u8]) -> Result<(), KeyError>,
) -> Result<(), KeyError> {
    if known()?.as_deref() == Some(id.as_bytes().as_slice()) {
        return Ok(());
    }
    tell(id.as_bytes())
}

/// The id in the file; only where it has none, what `ask` knows, else a fresh one. False if whoever was asked did not know it.
fn kept_or_asked(
    dir: &Path,
    name: &str,
    ask: impl FnOnce() -> Option<Uuid>,
) -> Result<(Uuid, bool), OpenError> {
    if let Some(id) = id_in(dir, name)? {
        return Ok((id, true));
    }
    let known = ask();
    Ok((kept_id(dir, name, known)?, known.is_some()))
}

/// Forgets which installation this is, in the directory and in the keychain. Answers whether the keychain's entry is gone.
pub(crate) fn forget_ids(dir: &Path, use_keychain: bool) -> Result<bool, OpenError> {
    let _lock = DirectoryLock::acquire(dir, "installation")?;
    let gone = !use_keychain || keychain::remove(&device_entry(dir)?).is_ok();
    for name in [INSTALLATION_FILE, DEVICE_FILE] {
        let path = dir.join(name);
        boundary::at("before an id is removed");
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(directory_error(&path, error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(gone)
}

/// Name of the keychain entry: by place, because everything inside the directory may be lost.
fn device_entry(dir: &Path) -> Result<String, OpenError> {
    let place = dir
        .canonicalize()
        .map_err(|source| directory_error(dir, source))?;
    let digest = Sha256::digest(place.to_string_lossy().as_bytes());
    let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("device-id:{short}"))
}

/// Runs something that blocks where it may.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T, OpenError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, OpenError> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(directory_error(
            &PathBuf::new(),
            io::Error::other(format!("a task did not end: {error}")),
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_somebody_keeps_is_not_waited_for_without_end() {
        let dir = tempfile::tempdir().expect("a folder");
        let kept = DirectoryLock::acquire(dir.path(), "refresh-google").expect("free");
        let waited = DirectoryLock::acquire_within(dir.path(), "refresh-google", Duration::ZERO);
        assert!(waited.is_err());
        drop(kept);
        assert!(DirectoryLock::acquire_within(dir.path(), "refresh-google", Duration::ZERO).is_ok());
    }

    #[test]
    fn a_keychain_that_was_locked_when_the_id_was_made_is_told_it_later_and_once() {
        let id = Uuid::new_v4();
        let told = std::cell::RefCell::new(None);
        let tell = |bytes: &[u8]| {
            assert!(told.replace(Some(bytes.to_vec())).is_none(), "it has it already");
            Ok(())
        };
        let locked = tell_unless_known(id, || Err(KeyError::Locked), tell);
        assert_eq!((locked, told.borrow().clone()), (Err(KeyError::Locked), None));
        for _ in 0..2 {
            assert_eq!(tell_unless_known(id, || Ok(told.borrow().clone()), tell), Ok(()));
        }
        assert_eq!(told.borrow().as_deref(), Some(id.as_bytes().as_slice()));
    }

    #[test]
    fn nobody_waits_for_the_lock_while_a_keychain_asks_for_leave() {
        let dir = tempfile::tempdir().expect("a folder");
        let id = kept_id(dir.path(), DEVICE_FILE, None).expect("a folder");
        // Another process starts just then, and takes the lock.
        let free = || {
            let lock = DirectoryLock::try_acquire(dir.path(), "installation").expect("a folder");
            assert!(lock.is_some(), "the lock is held");
        };
        let known = || {
            free();
            Ok(None)
        };
        let tell = |bytes: &[u8]| {
            free();
            assert_eq!(bytes, id.as_bytes());
            Ok(())
        };
        tell_what_is_kept(dir.path(), known, tell, || panic!("it is kept")).expect("told");
    }

    #[test]
    fn an_id_that_changes_while_the_keychain_is_told_ends_as_it_is_kept() {
        let [old, new] = [Uuid::new_v4(), Uuid::new_v4()];
        for ends_with in [Some(new), None] {
            let dir = tempfile::tempdir().expect("a folder");
            kept_id(dir.path(), DEVICE_FILE, Some(old)).expect("a folder");
            let entry = std::cell::RefCell::new(None);
            // Forgotten, and perhaps named anew, while the person is asked about the old one.
            let tell = |bytes: &[u8]| {
                match ends_with {
                    Some(new) => _ = kept_id(dir.path(), DEVICE_FILE, Some(new)).expect("a folder"),
                    None => fs::remove_file(dir.path().join(DEVICE_FILE)).expect("a file"),
                }
                entry.replace(Some(bytes.to_vec()));
                Ok(())
            };
            let forget = || {
                entry.replace(None);
                Ok(())
            };
            tell_what_is_kept(dir.path(), || Ok(entry.borrow().clone()), tell, forget).expect("told");
            assert_eq!(*entry.borrow(), ends_with.map(|id| id.as_bytes().to_vec()));
        }
    }

    #[test]
    fn whoever_may_wait_for_a_person_is_asked_for_an_id_only_where_the_file_has_none() {
        let dir = tempfile::tempdir().expect("a folder");
        let asked = |known: Option<Uuid>| kept_or_asked(dir.path(), DEVICE_FILE, || known).expect("a folder");
        let known = Uuid::new_v4();
        assert_eq!(asked(Some(known)), (known, true));
        // It is there now.
        let unasked = kept_or_asked(dir.path(), DEVICE_FILE, || {
            panic!("a locked keychain would be waited for")
        });
        assert_eq!(unasked.expect("a folder"), (known, true));
        fs::write(dir.path().join(DEVICE_FILE), b"\xff\xfe no id").expect("spoiled");
        assert_eq!(asked(Some(known)), (known, true));
        fs::remove_file(dir.path().join(DEVICE_FILE)).expect("lost");
        let (fresh, told) = asked(None);
        assert!(fresh != known && !told);
    }
}
