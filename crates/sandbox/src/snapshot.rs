//! A copy of everything, to go back to as often as a test likes: the same beginning a thousand times, without signing in
//! a thousand times.

use crate::shared::SeededRandom;
use crate::{Sandbox, google, oauth, platform};

/// What both services knew at one moment: content, sessions and tokens, and where the randomness stood.
#[derive(Clone)]
pub struct Snapshot {
    random: SeededRandom,
    platform: platform::Kept,
    platform_sign_ins: oauth::Kept,
    google: google::Kept,
    google_sign_ins: oauth::Kept,
}

impl Sandbox {
    /// Copies what is known now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            random: self.shared.random(),
            platform: self.platform.kept(),
            platform_sign_ins: self.platform.oauth().kept(),
            google: self.google.kept(),
            google_sign_ins: self.google.oauth().kept(),
        }
    }

    /// Back to that moment, with an empty log and no faults. The clock keeps its time: set it back, too.
    pub fn restore(&self, snapshot: &Snapshot) {
        self.shared.put_back(&snapshot.random);
        self.platform.put_back(&snapshot.platform);
        self.platform.oauth().put_back(&snapshot.platform_sign_ins);
        self.google.put_back(&snapshot.google);
        self.google.oauth().put_back(&snapshot.google_sign_ins);
    }
}

#[cfg(test)]
mod tests {
    use crate::shared::ManualClock;
    use crate::{Config, Sandbox};
    use chrono::DateTime;
    use std::sync::Arc;

    #[test]
    fn what_happened_since_is_undone() {
        let sandbox = Sandbox::new(
            &Config::default(),
            Arc::new(ManualClock::new(DateTime::UNIX_EPOCH)),
        );
        let (before, planned) = (sandbox.snapshot(), sandbox.platform.appointments());
        let first = sandbox.platform.sign_in_directly("usr_mara");
        let id = &planned.first().expect("a sample").appointment.id;
        sandbox.platform.delete_appointment(id).expect("deleted");
        assert_ne!(sandbox.platform.appointments(), planned);

        sandbox.restore(&before);
        assert_eq!(sandbox.platform.appointments(), planned);
        let again = sandbox.platform.sign_in_directly("usr_mara");
        assert_eq!(
            again.access_token, first.access_token,
            "chance goes on from there"
        );
    }
}
