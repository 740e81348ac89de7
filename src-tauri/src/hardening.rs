//! What keeps secrets in memory from reaching a disk or another program.
//!
//! Tokens live in this process while they are used. A core file would write them to the disk in plain, so none is ever
//! written: the limit is 0, and it cannot be raised again. A handler that is fed by a pipe (systemd-coredump, apport)
//! does not have to obey that limit, so on Linux the process is also marked as not dumpable. Then another program of the
//! same user can neither attach to it nor read its memory through `/proc`, as long as it has no special rights.

/// Lets benches look into a release build. It is heard only in a build with the feature `traceable`, which nothing that
/// ships has.
#[cfg(target_os = "linux")]
const TRACEABLE: &str = "ROUNDTRIP_TRACEABLE";

/// Holds from here on, also for every child. Called first of all: nothing secret is in memory yet.
pub fn apply() {
    #[cfg(unix)]
    if let Err(error) = no_core_file() {
        eprintln!("Roundtrip: core files could not be turned off: {error}");
    }
    #[cfg(target_os = "linux")]
    if !stays_open(
        cfg!(debug_assertions),
        cfg!(feature = "traceable"),
        std::env::var_os(TRACEABLE).is_some(),
    ) && let Err(error) = not_dumpable()
    {
        eprintln!("Roundtrip: its memory could not be closed to other programs: {error}");
    }
}

/// A debug build is there to be looked into; any other only if it was built for that and is asked to.
#[cfg(target_os = "linux")]
const fn stays_open(debug_build: bool, built_for_it: bool, asked: bool) -> bool {
    debug_build || (built_for_it && asked)
}

#[cfg(unix)]
fn no_core_file() -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    Ok(setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    )?)
}

#[cfg(target_os = "linux")]
fn not_dumpable() -> std::io::Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::process::{DumpableBehavior, dumpable_behavior, set_dumpable_behavior};

    #[test]
    fn what_ships_cannot_be_asked_to_stay_open() {
        assert!(!stays_open(false, false, true));
        assert!(!stays_open(false, true, false));
        assert!(stays_open(false, true, true));
        assert!(stays_open(true, false, false));
    }

    #[test]
    fn a_process_can_be_closed_to_others() {
        let before = dumpable_behavior().expect("a state");
        not_dumpable().expect("closed");
        assert_eq!(
            dumpable_behavior().expect("a state"),
            DumpableBehavior::NotDumpable
        );
        // Other tests of this program may want to be looked into.
        set_dumpable_behavior(before).expect("as before");
    }
}
