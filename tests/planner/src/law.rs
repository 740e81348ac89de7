//! What must hold, whatever happens.

/// The laws. Each is judged by what happened in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Law {
    /// I1: within 50 rounds nothing is left to do, and what is said of each appointment is true (P13).
    Converges,
    /// I2: later cycles write nothing.
    Quiescent,
    /// P1: one event for each appointment that is let through, never two.
    ExactlyOne,
    /// P2: what is not ours is as it was.
    ForeignUntouched,
    /// P3: each move is reported, refused, superseded or asked about.
    NoMoveLost,
    /// R5: a change of the admin's is not overwritten by a move that did not know it.
    NoAdminChangeLost,
    /// P4: what is assigned is for the platform alone to say.
    NeverCancels,
    /// P10: the trainer's own text survives.
    OwnTextSurvives,
    /// P11: nothing that began before the connection is written.
    BeforeConnection,
    /// R11: what is over keeps its event as it is, unless that stands ahead.
    EndedIsClosed,
    /// R9 and R10: the direction holds for each write.
    DirectionHolds,
    /// Deciding twice decides the same.
    Idempotent,
    /// Of a record that counts as settled nothing would have been decided.
    SkippingIsDeciding,
    /// The order of facts, and facts told twice, make no difference, but to which of several deleted events of one appointment an
    /// old page brings back for a cycle.
    OrderDoesNotMatter,
    /// I6: what we wrote never comes back as a move.
    NoEcho,
    /// I7: nothing is reported twice, or again though it was refused.
    NothingTwice,
    /// P6: a move is reported when the trainer has come to rest.
    Settles,
    /// A series is never written to.
    SeriesUntouched,
    /// R8: what the trainer deleted stays deleted until they want it back, and nobody else's deletion counts as theirs.
    DeletionRespected,
    /// P8: no mass change goes unasked.
    MassIsAsked,
    /// P8: an answer is remembered.
    AnswerRemembered,
    /// A deletion that is only inferred is held first, and what the trainer keeps is kept.
    HeldFirst,
}
