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

/// Holds from here on. Called first of all: nothing secret is in memory yet. The limit on core files holds for every child, too.
/// Not being dumpable does not: each program that is started begins dumpable again (`execve(2)`), and none is given a token.
pub fn apply() {
    #[cfg(target_os = "linux")]
    let open = stays_open(
        cfg!(debug_assertions),
        cfg!(feature = "traceable"),
        std::env::var_os(TRACEABLE).is_some(),
    );
    // Elsewhere there is nothing of the kind to close.
    #[cfg(not(target_os = "linux"))]
    let open = true;
    harden(open);
}

/// Closes this process, its memory only unless it `stays_open`.
fn harden(stays_open: bool) {
    #[cfg(unix)]
    if let Err(error) = no_core_file() {
        eprintln!("Roundtrip: core files could not be turned off: {error}");
    }
    #[cfg(target_os = "linux")]
    if !stays_open && let Err(error) = not_dumpable() {
        eprintln!("Roundtrip: its memory could not be closed to other programs: {error}");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = stays_open;
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
    use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit, set_dumpable_behavior};
    use std::process::Command;

    /// Tells this program that one of its own tests started it: what is closed for good cannot be opened for other tests.
    const CHILD: &str = "ROUNDTRIP_TEST_HARDENING_CHILD";

    #[test]
    fn the_start_of_a_release_closes_its_process() {
        let this = std::env::current_exe().expect("this program");
        let output = Command::new(this)
            .args([
                "--exact",
                "hardening::tests::child_that_starts_as_a_release",
                "--nocapture",
            ])
            .env(CHILD, "1")
            .env(TRACEABLE, "1")
            .output()
            .expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("child is done"),
            "{said}"
        );
    }

    #[test]
    fn child_that_starts_as_a_release() {
        if std::env::var_os(CHILD).is_none() {
            return;
        }
        set_dumpable_behavior(DumpableBehavior::Dumpable).expect("open at first");
        // What `apply` asks, but for the one answer that this build, made for tests, gives in another way.
        harden(stays_open(false, false, std::env::var_os(TRACEABLE).is_some()));
        assert_eq!(
            dumpable_behavior().expect("a state"),
            DumpableBehavior::NotDumpable
        );
        let core = getrlimit(Resource::Core);
        assert_eq!((core.current, core.maximum), (Some(0), Some(0)));
        println!("child is done");
    }

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

    /// Whether a type has a trait, told while compiling: the inherent constant comes first where its condition holds.
    macro_rules! has {
        ($type:ty: $($condition:tt)+) => {{
            #[allow(dead_code)] // where it holds, the other one answers
            trait Otherwise {
                const ANSWER: bool = false;
            }
            impl<T> Otherwise for T {}
            struct Asked<T>(std::marker::PhantomData<T>);
            #[allow(dead_code)] // where it does not hold, the one above answers
            impl<T: $($condition)+> Asked<T> {
                const ANSWER: bool = true;
            }
            <Asked<$type>>::ANSWER
        }};
    }

    #[test]
    fn tokens_on_their_way_can_be_neither_shown_nor_serialised() {
        use roundtrip_http::oauth::StoredTokens;
        use roundtrip_store::TokenSet;
        const {
            assert!(!has!(StoredTokens: std::fmt::Display) && !has!(StoredTokens: serde::Serialize));
            assert!(!has!(TokenSet: std::fmt::Display) && !has!(TokenSet: serde::Serialize));
            // It is able to say yes.
            assert!(has!(String: std::fmt::Display) && has!(String: serde::Serialize));
        }
    }
}
