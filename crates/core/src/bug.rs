//! Deliberate bugs, to show that the tests bite. Without the feature `deliberate-bugs`, which nothing that ships has, every
//! question is answered "no" when the program is compiled.

/// One deliberate bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Bug {
    /// Whatever is missing from a full listing counts as deleted.
    AbsenceIsDeletion,
}

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
