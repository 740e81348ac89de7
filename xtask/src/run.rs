//! Running other programs in the foreground, with words about it.

use crate::process;
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;

/// Says what comes next.
pub fn say(text: &str) {
    println!("\n== {text}");
}

/// A cargo command in the project's folder: the same cargo that runs us.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(crate::project::root());
    // Variables of the outer `cargo run` that would make the inner build differ from a build by hand.
    for name in [
        "CARGO_MANIFEST_DIR",
        "CARGO_PKG_NAME",
        "CARGO_PKG_VERSION",
        "RUSTUP_TOOLCHAIN_SOURCE",
    ] {
        command.env_remove(name);
    }
    command
}

/// An npm command in a folder, with the node that setup found.
pub fn npm(folder: &Path) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command
        .current_dir(folder)
        .env("PATH", crate::setup::node::path_with_node());
    command
}

/// Runs it and fails if it fails.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let child = command
        .spawn()
        .with_context(|| format!("couldn't start `{shown}`"))?;
    let status = process::wait_for(child)?;
    if !status.success() {
        bail!("`{shown}` ended with {status}");
    }
    Ok(())
}

/// Runs it, shows its output as it comes, and returns it with whether it went well.
pub fn run_and_read(command: &mut Command) -> Result<(bool, String)> {
    let shown = show(command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("couldn't start `{shown}`"))?;
    let (sender, lines) = mpsc::channel();
    let mut readers = Vec::new();
    if let Some(out) = child.stdout.take() {
        readers.push(read_lines(out, sender.clone()));
    }
    if let Some(err) = child.stderr.take() {
        readers.push(read_lines(err, sender.clone()));
    }
    drop(sender);
    let printing = std::thread::spawn(move || {
        let mut text = String::new();
        for line in lines {
            println!("{line}");
            text.push_str(&line);
            text.push('\n');
        }
        let _ = std::io::stdout().flush();
        text
    });
    let status = process::wait_for(child)?;
    for reader in readers {
        let _ = reader.join();
    }
    let text = printing.join().unwrap_or_default();
    Ok((status.success(), text))
}

/// Runs it without showing anything; its standard output if it went well.
pub fn read(command: &mut Command) -> Result<String> {
    let shown = show(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("couldn't start `{shown}`"))?;
    if !output.status.success() {
        bail!(
            "`{shown}` ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The command as one would type it.
pub fn show(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

fn read_lines(
    stream: impl Read + Send + 'static,
    sender: mpsc::Sender<String>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut bytes = Vec::new();
        while matches!(reader.read_until(b'\n', &mut bytes), Ok(count) if count > 0) {
            let line = String::from_utf8_lossy(&bytes)
                .trim_end_matches(['\n', '\r'])
                .to_owned();
            bytes.clear();
            if sender.send(line).is_err() {
                break;
            }
        }
    })
}
