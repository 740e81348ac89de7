//! What one thread of a campaign keeps from seed to seed, because making it anew would cost more than the seed itself:
//! a runtime for the store and the database files. Every seed has connections of its own in them.

use crate::executor::lock;
use anyhow::Result;
use chrono::{DateTime, Utc};
use roundtrip_store::{Database, EnvKey, Key, KeySource};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// After so many seeds the files are made anew, so that they stay small.
const SEEDS_PER_FILE: u32 = 60;
/// Laptops in one seed at most.
pub const LAPTOPS: usize = 2;

/// What one thread keeps.
pub struct Desk {
    /// Carries the store's own tasks.
    pub runtime: Arc<Runtime>,
    state: Mutex<State>,
}

struct State {
    folder: TempDir,
    databases: Vec<Database>,
    seeds: u32,
}

fn keys() -> KeySource {
    KeySource::with_provider(EnvKey::fixed(Key::new([7; 32])))
}

fn folder() -> Result<TempDir> {
    // In memory where the system has such a place: a crash here is a dropped future, so the disk proves nothing.
    let memory = Path::new("/dev/shm");
    Ok(if memory.is_dir() {
        tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir())?
    } else {
        tempfile::tempdir()?
    })
}

fn open(runtime: &Runtime, folder: &Path, now: DateTime<Utc>) -> Result<Vec<Database>> {
    (0..LAPTOPS)
        .map(|laptop| {
            let place = folder.join(format!("laptop-{laptop}"));
            Ok(runtime.block_on(Database::open(&place, keys(), now))?)
        })
        .collect()
}

impl Desk {
    /// A desk with fresh files.
    ///
    /// # Errors
    /// If there is no place for them.
    pub fn new() -> Result<Self> {
        let runtime = Arc::new(
            tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()?,
        );
        let folder = folder()?;
        let databases = open(&runtime, folder.path(), DateTime::UNIX_EPOCH)?;
        Ok(Self {
            runtime,
            state: Mutex::new(State {
                folder,
                databases,
                seeds: 0,
            }),
        })
    }

    /// Another seed begins.
    ///
    /// # Errors
    /// If fresh files are due and there is no place for them.
    pub fn begin_seed(&self) -> Result<()> {
        let mut state = lock(&self.state);
        state.seeds += 1;
        if state.seeds > SEEDS_PER_FILE {
            for database in std::mem::take(&mut state.databases) {
                self.runtime.block_on(database.close());
            }
            state.folder = folder()?;
            state.databases = open(&self.runtime, state.folder.path(), DateTime::UNIX_EPOCH)?;
            state.seeds = 1;
        }
        Ok(())
    }

    /// The database of a laptop.
    pub fn database(&self, laptop: usize) -> Database {
        lock(&self.state).databases[laptop].clone()
    }

    /// The folder of a laptop's database.
    pub fn folder(&self, laptop: usize) -> PathBuf {
        lock(&self.state).folder.path().join(format!("laptop-{laptop}"))
    }

    /// Closes the database of a laptop and opens it again, as a start of the app does.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn reopen(&self, laptop: usize, now: DateTime<Utc>) -> Result<()> {
        let place = self.folder(laptop);
        let old = self.database(laptop);
        let fresh = self.runtime.block_on(async {
            old.close().await;
            Database::open(&place, keys(), now).await
        })?;
        lock(&self.state).databases[laptop] = fresh;
        Ok(())
    }
}
