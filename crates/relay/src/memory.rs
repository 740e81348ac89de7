//! The hub of a single node. After its restart every stream that resumes is told to look at everything.

use crate::channel::Mailbox;
use crate::hub::{Delivery, Hint, Hub, HubError};
use crate::ring::Ring;
use async_trait::async_trait;
use chrono::Utc;
use futures::stream::BoxStream;

/// Keeps hints in memory.
pub struct MemoryHub {
    ring: Ring,
}

impl MemoryHub {
    /// Empty.
    pub fn new() -> Self {
        Self {
            ring: Ring::new(uuid::Uuid::new_v4().simple().to_string(), 0),
        }
    }
}

impl Default for MemoryHub {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Hub for MemoryHub {
    async fn send(&self, to: Mailbox, hint: Hint) -> Result<(), HubError> {
        self.ring.push_next(Utc::now(), to, hint);
        Ok(())
    }

    fn open(&self, mailboxes: &[Mailbox], last_id: Option<&str>) -> BoxStream<'static, Delivery> {
        self.ring.open(Utc::now(), mailboxes, last_id)
    }

    async fn close_channel(&self, id: &str) -> Result<(), HubError> {
        let now = Utc::now();
        self.ring.close_channel(id, now, now);
        Ok(())
    }

    fn is_closed(&self, id: &str) -> bool {
        self.ring.is_closed(id)
    }

    fn ready(&self) -> Result<(), HubError> {
        Ok(())
    }

    fn end_streams(&self) {
        self.ring.end_streams();
    }
}
