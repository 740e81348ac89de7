//! The machine that was measured on: what a figure depends on, and no name of it.

use serde_json::{Value, json};

/// Processor, memory, system and compiler.
pub(super) fn describe() -> Value {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let after = |text: &str, key: &str| {
        let line = text.lines().find(|line| line.starts_with(key))?;
        let (_, value) = line.split_once([':', '='])?;
        Some(value.trim().trim_matches('"').to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let memory = after(&read("/proc/meminfo"), "MemTotal")
        .and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok())
        .map(|kilobytes| (kilobytes / 1024.0 / 1024.0).round());
    let compiler = std::process::Command::new("rustc").arg("--version").output();
    let compiler = compiler.map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned());
    json!({
        "cpu": after(&read("/proc/cpuinfo"), "model name"),
        "cores": cores,
        "memory_gib": memory,
        "os": after(&read("/etc/os-release"), "PRETTY_NAME").unwrap_or_else(|| std::env::consts::OS.into()),
        "kernel": read("/proc/sys/kernel/osrelease").trim().split('-').next(),
        "rustc": compiler.ok(),
    })
}
