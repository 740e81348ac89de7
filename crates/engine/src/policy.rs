//! The platform's word on whether sync may run: taken from each of its answers, and kept over a restart.

use crate::engine::{Engine, EngineEvent};
use crate::ledger::{Change, SyncState};
use crate::ports::{PortError, SyncPolicy};

impl Engine {
    /// The platform has turned sync off, as last heard.
    pub(crate) fn is_turned_off(&self) -> bool {
        let live = self.lock();
        live.policy.as_ref().is_some_and(|policy| !policy.enabled)
    }

    /// What an earlier process heard holds until the platform says something else.
    pub(crate) fn recall_policy(&self, state: &SyncState) {
        let mut live = self.lock();
        if live.policy.is_none() {
            live.policy.clone_from(&state.policy);
        }
    }

    /// Takes the word that came with an answer of the platform, also with one that is this error. A refusal because sync is
    /// turned off is such a word itself.
    pub(crate) fn hear_policy(&self, error: Option<&PortError>) {
        let said = self.platform.take_policy();
        let said = match error {
            Some(PortError::SyncDisabled { reason }) => Some(SyncPolicy {
                enabled: false,
                reason: Some(reason.clone()),
            }),
            _ => said,
        };
        let Some(said) = said else { return };
        let news = {
            let mut live = self.lock();
            let news = live.policy.as_ref() != Some(&said);
            live.policy = Some(said);
            live.policy_heard = true;
            news
        };
        if news {
            self.tell(EngineEvent::Changed);
        }
    }

    /// Writes down what the platform last said, where no run does that with its end. The engine's turn is held.
    pub(crate) async fn keep_policy(&self) {
        let said = self.lock().policy.clone();
        let Ok(state) = self.ledger.sync_state().await else {
            return;
        };
        if said.is_none() || state.policy == said {
            return;
        }
        let kept = Change::PutSyncState(Box::new(SyncState {
            policy: said,
            ..state
        }));
        if let Err(error) = self.ledger.commit(vec![kept]).await {
            tracing::warn!(%error, "what the platform says on sync could not be written down");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ledger::SyncState;

    #[test]
    fn a_state_from_before_the_word_was_kept_is_read() {
        let older = r#"{"cursor":"c-7","started":true,"writer":null}"#;
        let state: SyncState = serde_json::from_str(older).expect("an older state");
        assert!(state.started && state.policy.is_none(), "{state:?}");
    }
}
