//! One snapshot for all who ask within a moment. A single change makes the page ask for several things, the tray look, and
//! the notifications be thought over; each of them needs everything that is known, and reading that is the most expensive
//! thing the window does.

use roundtrip_engine::ledger::LedgerError;
use roundtrip_engine::{Engine, Snapshot};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// A snapshot is used again for so long, as long as the engine tells of no change. What changes by the passing of time alone
/// is said by a cycle, which is a change.
const USED_AGAIN_FOR: Duration = Duration::from_secs(3);

struct Kept {
    revision: u64,
    made: Instant,
    snapshot: Arc<Snapshot>,
}

/// The last snapshot of one engine, while it can be used again. Then its memory is given back.
#[derive(Clone, Default)]
pub struct Snapshots(Arc<Mutex<Option<Kept>>>);

impl Snapshots {
    /// Everything at this moment. While one is being made, further askers wait for it.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn of(&self, engine: &Engine) -> Result<Arc<Snapshot>, LedgerError> {
        let mut kept = self.0.lock().await;
        // Read first: what changes while the snapshot is made makes it old at once.
        let revision = engine.revision();
        let fresh = |kept: &&Kept| kept.revision == revision && kept.made.elapsed() < USED_AGAIN_FOR;
        if let Some(kept) = kept.as_ref().filter(fresh) {
            return Ok(Arc::clone(&kept.snapshot));
        }
        // Two of them need not be in memory at once.
        *kept = None;
        let snapshot = Arc::new(engine.snapshot().await?);
        let made = Instant::now();
        *kept = Some(Kept {
            revision,
            made,
            snapshot: Arc::clone(&snapshot),
        });
        let place = Arc::clone(&self.0);
        tokio::spawn(async move {
            tokio::time::sleep(USED_AGAIN_FOR).await;
            let mut kept = place.lock().await;
            if kept.as_ref().is_some_and(|kept| kept.made == made) {
                *kept = None;
            }
        });
        Ok(snapshot)
    }
}

#[cfg(test)]
#[path = "snapshots_tests.rs"]
mod tests;
