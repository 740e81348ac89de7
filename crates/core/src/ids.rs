//! Names of things, as types, so that none can be taken for another.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// Wraps the text as it came from the service.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }
            /// The text as the service wants it back.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

text_id!(
    /// An appointment's id on the platform, opaque to us.
    AppointmentId
);
text_id!(
    /// An event's id in its calendar. For our events it is chosen by us (see [`crate::event_id`]).
    EventId
);
text_id!(
    /// A calendar's id at its service; `primary` stands for the account's main one.
    CalendarId
);
text_id!(
    /// One signed-in account at one calendar service, for example `google:105…` (provider and subject).
    ConnectionId
);
text_id!(
    /// A channel of a calendar's notices, chosen by the platform's relay.
    ChannelId
);
text_id!(
    /// Opaque mark of an event's state. Etags are compared for equality, never ordered.
    Etag
);
text_id!(
    /// Where the next listing of the platform's feed starts.
    Cursor
);
text_id!(
    /// Where the next incremental listing of a calendar starts.
    SyncToken
);
text_id!(
    /// The platform's id of the signed-in trainer.
    TrainerId
);
text_id!(
    /// One value for every try of one remote write.
    IdempotencyKey
);
text_id!(
    /// This installation, kept outside the database.
    DeviceId
);
text_id!(
    /// A run (one cycle) in the history.
    RunId
);
text_id!(
    /// A conflict in the ledger.
    ConflictId
);
text_id!(
    /// A question the guard asks.
    QuestionId
);
text_id!(
    /// A row of the outbox.
    OutboxId
);

/// The platform's version of an appointment: grows with every change, ours included.
pub type Version = u64;

/// nth event made for one appointment, starting at 1. Part of the event id: a deleted id is dead for ever.
pub type Generation = u32;
