//! Deliberate bugs, to show that the tests bite. Without the feature `deliberate-bugs`, which nothing that ships has, every
//! question is answered "no" when the program is compiled, and neither their names nor the marker are in it.
//!
//! Each is a mistake that a tool of this kind has made, or the one that a rule of ours was written against. It sits where
//! somebody could really make it, in one small `if`.

macro_rules! bugs {
    ($($(#[doc = $doc:literal])+ $bug:ident = $name:literal,)+) => {
        /// One deliberate bug.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Bug {
            $($(#[doc = $doc])+ $bug,)+
        }

        #[cfg(feature = "deliberate-bugs")]
        impl Bug {
            /// All of them, in the order in which they are declared.
            pub const ALL: &'static [Bug] = &[$(Bug::$bug,)+];

            /// Its stable name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Bug::$bug => $name,)+
                }
            }

            /// What it stands for.
            pub const fn about(self) -> &'static str {
                match self {
                    $(Bug::$bug => concat!($($doc),+),)+
                }
            }

            /// The one of this name.
            pub fn from_name(name: &str) -> Option<Bug> {
                Self::ALL.iter().copied().find(|bug| bug.name() == name)
            }
        }
    };
}

bugs! {
    /// An event that is missing from a full listing counts as deleted (the second computer that wants to delete everything).
    AbsenceIsDeletion = "absence-is-deletion",
    /// An empty or shrunken snapshot of the platform is taken for truth (hundreds of events deleted by one empty answer).
    EmptySnapshotIsTruth = "empty-snapshot-is-truth",
    /// One 404 counts as a tombstone (a replica that lags, a portal in between).
    NotFoundIsDeletion = "not-found-is-deletion",
    /// An error page that is not Google's own is believed by its status (a hotel's portal answers 404).
    PortalIsBelieved = "portal-is-believed",
    /// Only page 1 of the calendar is read, and the sync token is saved all the same.
    TokenAfterFirstPage = "token-after-first-page",
    /// Only page 1 of the platform's feed is read, and its cursor is saved as if that were all.
    CursorAfterFirstPage = "cursor-after-first-page",
    /// A dead sync token means "no change" (the silent standstill of push-only tools).
    DeadTokenIsNoChange = "dead-token-is-no-change",
    /// The places to go on from are saved before the facts that were read (a crash in between loses them).
    CursorBeforeFacts = "cursor-before-facts",
    /// An older item of the feed replaces a newer one.
    VersionNotCompared = "version-not-compared",
    /// A reading of the calendar that is older than what is known is taken (a replica that lags).
    StaleReadingTaken = "stale-reading-taken",
    /// Tombstones of the calendar are ignored.
    TombstonesIgnored = "tombstones-ignored",
    /// The calendar's word for an hour is read as UTC (the offset is dropped).
    OffsetDropped = "offset-dropped",
    /// A whole day is taken as an hour at midnight, and reported as a move.
    AllDayIsMidnight = "all-day-is-midnight",
    /// Any event with our mark is ours, also a copy under an id that we did not choose.
    CopyIsOurs = "copy-is-ours",
    /// The mark of another platform is taken for our own.
    OtherPlatformIsOurs = "other-platform-is-ours",

    /// The two sides are compared without a base (two-way): whatever differs is the platform's news.
    BaseSkipped = "base-skipped",
    /// A disagreement is resolved in silence: the platform wins.
    ConflictNotAsked = "conflict-not-asked",
    /// An own write is not followed by the base, and agreement is no end: the next reading takes it for the trainer's move.
    EchoIsMove = "echo-is-move",
    /// The first drag is reported at once, the second again (no settle time).
    NoSettleTime = "no-settle-time",
    /// A move that was refused is reported again in every cycle.
    RefusedIsRepeated = "refused-is-repeated",
    /// The trainer's own text is overwritten by our block.
    OwnTextOverwritten = "own-text-overwritten",
    /// A patch writes all fields instead of those that changed.
    AllFieldsPatched = "all-fields-patched",
    /// An event that became a series is written to.
    SeriesIsWritten = "series-is-written",
    /// What the trainer deleted in the calendar comes back at once.
    DeletionIsUndone = "deletion-is-undone",
    /// The id of a deleted event is used once more.
    DeadIdRevived = "dead-id-revived",
    /// That we deleted an event ourselves is forgotten: its tombstone looks like the trainer's.
    OwnDeletionForgotten = "own-deletion-forgotten",
    /// A second event of one appointment is left where it is.
    DuplicatesKept = "duplicates-kept",
    /// Appointments that are over lose their events.
    EndedIsDeleted = "ended-is-deleted",
    /// What began before the connection is written (the calendar fills with years of the past).
    PastIsWritten = "past-is-written",
    /// The direction is not looked at when the calendar is written.
    DirectionIgnored = "direction-ignored",
    /// No mass change is asked about.
    NoGuard = "no-guard",
    /// The guard asks, and what it asks about is done all the same.
    GuardDoesNotWait = "guard-does-not-wait",
    /// Deletions that a filter or an account brought go unasked.
    RemovalsNotAsked = "removals-not-asked",
    /// Inferred deletions go at once, without being held where the trainer sees them.
    NoPen = "no-pen",
    /// The guard asks the same question at every run, and an answer changes nothing.
    AnswerForgotten = "answer-forgotten",
    /// An undoing is accepted and told, and nothing comes of it.
    UndoForgotten = "undo-forgotten",

    /// Another idempotency key with every try.
    KeyPerTry = "key-per-try",
    /// A report whose answer was lost is sent again as a new one, at the version of the day.
    ReportedTwice = "reported-twice",
    /// A failed write is dropped as if it had worked.
    FailureIsSuccess = "failure-is-success",
    /// 412 from the platform is answered with the same report at the new version.
    PreconditionOverridden = "precondition-overridden",
    /// After 409 the event is made once more under the next id.
    NextIdAfterConflict = "next-id-after-conflict",
    /// The event's id is left to chance.
    RandomEventId = "random-event-id",
    /// Rows whose outcome is unknown are thrown away when a cycle begins.
    SentRowsForgotten = "sent-rows-forgotten",
    /// The outcome and the new base are committed one after the other.
    OutcomeApartFromBase = "outcome-apart-from-base",
    /// The database commits change by change, without a transaction.
    TransactionDropped = "transaction-dropped",
    /// The writer's lease is not looked at before a write.
    LeaseNotChecked = "lease-not-checked",

    /// A patch goes out without `If-Match`.
    PatchWithoutEtag = "patch-without-etag",
    /// A deletion goes out without `If-Match`.
    DeleteWithoutEtag = "delete-without-etag",
    /// The client is written into the event as a guest.
    GuestsAreWritten = "guests-are-written",
    /// Writes say `sendUpdates=all`.
    GuestsAreMailed = "guests-are-mailed",
    /// `Retry-After` is ignored.
    RetryAfterIgnored = "retry-after-ignored",
    /// A refresh token that was replaced is not stored.
    RefreshTokenNotStored = "refresh-token-not-stored",
    /// However long nothing succeeds, nobody is told.
    SilenceIsKept = "silence-is-kept",
    /// A sign-in that has ended is tried again with every request.
    EndedSignInRetried = "ended-sign-in-retried",
}

/// Stays in every program that is built with the feature, whatever the linker drops: `xtask` looks for it in what ships.
#[cfg(feature = "deliberate-bugs")]
#[used]
static MARKER: [u8; 40] = *b"roundtrip:deliberate-bugs-are-in-here:v1";

/// Is this bug switched on?
#[cfg(not(feature = "deliberate-bugs"))]
pub const fn is_on(_bug: Bug) -> bool {
    false
}

/// Is this bug switched on?
#[cfg(feature = "deliberate-bugs")]
pub fn is_on(bug: Bug) -> bool {
    ACTIVE.load(std::sync::atomic::Ordering::Relaxed) == bug as u8 + 1
}

/// Is any bug switched on?
#[cfg(not(feature = "deliberate-bugs"))]
pub const fn any_is_on() -> bool {
    false
}

/// Is any bug switched on?
#[cfg(feature = "deliberate-bugs")]
pub fn any_is_on() -> bool {
    ACTIVE.load(std::sync::atomic::Ordering::Relaxed) != 0
}

/// Switches one bug on, for the whole process, or all off.
#[cfg(feature = "deliberate-bugs")]
pub fn switch_on(bug: Option<Bug>) {
    ACTIVE.store(
        bug.map_or(0, |bug| bug as u8 + 1),
        std::sync::atomic::Ordering::Relaxed,
    );
}

#[cfg(feature = "deliberate-bugs")]
static ACTIVE: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);
