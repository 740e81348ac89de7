//! One snapshot for all who ask within a moment. A single change makes the page ask for several things, the tray look, and
//! the notifications be thought over; each of them needs everything that is known, and reading that is the most expensive
//! thing the window does.

use roundtrip_engine::ledger::LedgerError;
use roundtrip_engine::ports::Clock;
use roundtrip_engine::{Engine, Snapshot};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Mutex;

/// A snapshot is used again for so long, as long as the engine tells of no change. What changes by the passing of time alone
/// is said by a cycle, which is a change.
const USED_AGAIN_FOR: Duration = Duration::from_secs(3);

struct Kept {
    revision: u64,
    /// By the running clock.
    made: Duration,
    snapshot: Arc<Snapshot>,
}

/// The last snapshot of one engine, while it can be used again. Then its memory is given back.
#[derive(Clone)]
pub struct Snapshots {
    kept: Arc<Mutex<Option<Kept>>>,
    clock: Arc<dyn Clock>,
}

impl Snapshots {
    /// None yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            kept: Arc::default(),
            clock,
        }
    }

    /// Everything at this moment. While one is being made, further askers wait for it.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn of(&self, engine: &Engine) -> Result<Arc<Snapshot>, LedgerError> {
        let mut kept = self.kept.lock().await;
        // Read first: what changes while the snapshot is made makes it old at once.
        let revision = engine.revision();
        let now = self.clock.monotonic();
        let fresh =
            |kept: &&Kept| kept.revision == revision && now.saturating_sub(kept.made) < USED_AGAIN_FOR;
        if let Some(kept) = kept.as_ref().filter(fresh) {
            return Ok(Arc::clone(&kept.snapshot));
        }
        // Two of them need not be in memory at once.
        *kept = None;
        let snapshot = Arc::new(engine.snapshot().await?);
        *kept = Some(Kept {
            revision,
            made: self.clock.monotonic(),
            snapshot: Arc::clone(&snapshot),
        });
        let (all, this) = (self.clone(), Arc::downgrade(&snapshot));
        tokio::spawn(async move {
            all.clock.sleep(USED_AGAIN_FOR).await;
            all.forget(&this).await;
        });
        Ok(snapshot)
    }

    /// This one is old. A newer one in its place is not.
    async fn forget(&self, this: &Weak<Snapshot>) {
        let mut kept = self.kept.lock().await;
        if kept
            .as_ref()
            .is_some_and(|kept| std::ptr::eq(Arc::as_ptr(&kept.snapshot), this.as_ptr()))
        {
            *kept = None;
        }
    }
}

#[cfg(test)]
#[path = "snapshots_tests.rs"]
mod tests;
