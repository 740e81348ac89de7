//! What a build that ships must have. `cargo xtask build --release` and `cargo tauri build` turn it on.

// Without it the window asks a development server for its pages and trusts whatever answers at `localhost` with every command.
#[cfg(all(not(debug_assertions), not(feature = "custom-protocol")))]
compile_error!("a release build carries its window: build it with `--features custom-protocol`");

#[cfg(test)]
mod tests {
    use std::process::Command;

    /// What the compiler says of this very file.
    fn compiled(with: &[&str]) -> Result<(), String> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src-tauri/src/gui/shipped.rs");
        let output = Command::new("rustc")
            .args([
                "--edition",
                "2024",
                "--crate-type",
                "lib",
                "--emit",
                "metadata",
                "--out-dir",
            ])
            .arg(folder.path())
            .args(with)
            .arg(file)
            .output()
            .expect("the compiler that built this");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        output.status.success().then_some(()).ok_or(said)
    }

    #[test]
    fn a_release_build_that_would_trust_localhost_does_not_compile() {
        let release = ["-C", "opt-level=3"];
        let carries = ["--cfg", "feature=\"custom-protocol\""];
        let refused = compiled(&release).expect_err("no window inside");
        assert!(
            refused.contains("a release build carries its window"),
            "{refused}"
        );
        assert_eq!(compiled(&[release, carries].concat()), Ok(()));
        // `cargo tauri dev` and tests are built without it.
        assert_eq!(compiled(&["-C", "debug-assertions=on"]), Ok(()));
    }
}
