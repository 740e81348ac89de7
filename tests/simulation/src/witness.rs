//! What is seen in passing, at the boundary of a laptop, and cannot be read from any ledger afterwards: when, by the services'
//! time, it held a deletion back, which settings it ever had, when the trainer signed in.

use chrono::{DateTime, Utc};
use roundtrip_core::ids::AppointmentId;
use roundtrip_core::settings::SyncSettings;
use roundtrip_engine::ledger::{Change, HistoryWhat};

/// What all laptops of a seed did, in order.
#[derive(Clone, Debug, Default)]
pub struct Witnessed {
    /// Settings that a laptop wrote.
    pub settings: Vec<(usize, DateTime<Utc>, SyncSettings)>,
    /// Deletions that a laptop began to hold, or (true) that the trainer answered.
    pub held: Vec<(usize, DateTime<Utc>, AppointmentId, bool)>,
    /// How many requests there were when the trainer signed in on a laptop.
    pub sign_ins: Vec<(usize, usize)>,
}

impl Witnessed {
    /// A laptop commits this.
    pub fn commits(&mut self, laptop: usize, at: DateTime<Utc>, changes: &[Change]) {
        for change in changes {
            match change {
                Change::PutSettings(settings) => self.settings.push((laptop, at, (**settings).clone())),
                Change::AddItem(item) => {
                    let answered = match item.what {
                        HistoryWhat::Held { .. } => false,
                        HistoryWhat::HeldAnswered { .. } => true,
                        _ => continue,
                    };
                    if let Some(appointment) = &item.appointment_id {
                        self.held.push((laptop, at, appointment.clone(), answered));
                    }
                }
                _ => {}
            }
        }
    }
}
