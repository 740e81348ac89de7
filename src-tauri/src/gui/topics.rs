//! What the window asks for anew after an event.

use crate::host::HostEvent;
use crate::ipc::events::StateChanged;
use roundtrip_engine::EngineEvent;

/// What can have changed with this event. A topic too many is read for nothing; one too few would leave something stale on
/// the screen, so it is left out only where the event is known to come without a change of it.
pub(super) fn of(event: &HostEvent) -> &'static [&'static str] {
    match event {
        // Reading begins: a run is under way and stands in the history. What it reads is told of by `Changed`.
        HostEvent::Engine(EngineEvent::Progress { total: 0, .. }) => &["overview", "history"],
        // One more outcome is recorded: a line, a badge, perhaps a question. No outcome of a write changes a setting.
        HostEvent::Engine(EngineEvent::Progress { .. }) => {
            &["overview", "appointments", "conflicts", "history"]
        }
        // What the cycle changed is told of by the `Changed` that follows. That it is over is told of at once ([`StateChanged::of_a_run`]).
        HostEvent::Engine(EngineEvent::CycleEnded) => &["overview"],
        // The browser is open, and nobody has signed in yet. The view itself is sent along.
        HostEvent::SignIn(view) if view.state == "waiting" => &["overview", "settings"],
        HostEvent::Engine(EngineEvent::Changed) | HostEvent::SignIn(_) | HostEvent::Changed => {
            StateChanged::ALL
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::dto::SignInView;

    fn sign_in(state: &str) -> HostEvent {
        HostEvent::SignIn(SignInView {
            service: "google".into(),
            state: state.into(),
            url: None,
            problem: None,
            accounts: None,
        })
    }

    #[test]
    fn an_event_leads_to_the_topics_that_it_can_have_changed() {
        let engine = HostEvent::Engine;
        let progress = |done, total| engine(EngineEvent::Progress { done, total });
        let all = "overview appointments conflicts history settings";
        for (event, topics) in [
            (engine(EngineEvent::Changed), all),
            (HostEvent::Changed, all),
            (progress(0, 0), "overview history"),
            (progress(0, 40), "overview appointments conflicts history"),
            (progress(40, 40), "overview appointments conflicts history"),
            (engine(EngineEvent::CycleEnded), "overview"),
            (sign_in("waiting"), "overview settings"),
            (sign_in("done"), all),
            (sign_in("other_account"), all),
        ] {
            assert_eq!(of(&event).join(" "), topics, "{event:?}");
        }
    }

    #[test]
    fn whatever_happens_the_first_line_of_the_window_is_read_anew() {
        for event in [
            HostEvent::Engine(EngineEvent::CycleEnded),
            HostEvent::Engine(EngineEvent::Progress { done: 0, total: 0 }),
            sign_in("waiting"),
        ] {
            assert!(of(&event).contains(&"overview"), "{event:?}");
        }
    }
}
