//! The live connection as the window tells it.

use super::Host;
use crate::ipc::dto::{AppError, ConnectionView};
use roundtrip_engine::Connection;

impl Host {
    /// How changes come to this laptop; none before syncing has begun.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn connection(&self) -> Result<Option<ConnectionView>, AppError> {
        let Some(running) = self.running().await else {
            return Ok(None);
        };
        let engine = &running.engine;
        let (live, channel) = (engine.live(), engine.channel_view());
        if !engine.ledger().sync_state().await?.started {
            return Ok(None);
        }
        let settings = engine.ledger().settings().await?;
        let (state, since, reason, again_at) = match live.connection {
            Connection::None => ("none", None, None, None),
            Connection::Opening => ("opening", None, None, None),
            Connection::Open { since } => ("open", Some(since), None, None),
            Connection::Broken {
                reason,
                since,
                again_at,
            } => ("broken", Some(since), Some(reason), Some(again_at)),
        };
        Ok(Some(ConnectionView {
            state: state.into(),
            since,
            reason: reason.map(Into::into),
            again_at,
            notices: live.pushed.calendar,
            channel_renewed_at: channel.renewed_at,
            channel_expires_at: channel.expires_at,
            channel_problem: channel.problem.map(Into::into),
            every_minutes: settings.every_minutes,
        }))
    }
}
