//! `xtask bindings`: the window's view of the app's commands, generated from the Rust types.

use crate::building::FEATURES;
use crate::project;
use crate::run::{cargo, read, say};
use anyhow::Result;

/// Writes `ui/src/lib/bindings.ts`, and `words.json` beside it. Tests of the app keep both current.
pub fn generate() -> Result<()> {
    let file = project::ui().join("src/lib/bindings.ts");
    say("generating ui/src/lib/bindings.ts");
    read(
        cargo()
            .args(["run", "--quiet", "--locked", "-p", "roundtrip"])
            .args(FEATURES)
            .args(["--", "bindings"])
            .arg(file),
    )?;
    say("generating ui/src/lib/words.json");
    read(
        cargo()
            .args(["test", "--quiet", "--locked", "-p", "roundtrip", "--lib"])
            .args(FEATURES)
            .args(["--", "the_committed_words_are_current"])
            .env("ROUNDTRIP_WRITE_WORDS", "1"),
    )?;
    Ok(())
}
