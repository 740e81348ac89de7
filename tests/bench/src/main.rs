//! Measures core, engine and store without a window; `cargo xtask bench core` builds it as shipped and runs it.
//!
//! `roundtrip-bench core [appointments] [times]` and `roundtrip-bench day [changes]` print one JSON object per figure:
//! `{"name", "unit", "values"}`. The services are the sandbox in the same process; in `day` the clock is the sandbox's, too.
//! It judges nothing: goals stand in `xtask/src/bench`.

#![forbid(unsafe_code)]

mod core;
mod day;

use std::process::ExitCode;

/// One figure, as `xtask` reads it.
fn tell(name: &str, unit: &str, values: &[f64]) {
    println!(
        "{}",
        serde_json::json!({"name": name, "unit": unit, "values": values})
    );
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, usual: usize| {
        arguments
            .get(at)
            .and_then(|text| text.parse().ok())
            .unwrap_or(usual)
    };
    match arguments.first().map(String::as_str) {
        Some("core") => core::measure(number(1, 10_000), number(2, 9)).await,
        Some("day") => day::measure(number(1, 20)).await,
        _ => {
            eprintln!("usage: roundtrip-bench core [appointments] [times] | day [changes]");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
