//! `roundtrip-sandbox`: runs the stand-ins of platform and Google on this machine.
//!
//! Prints one `KEY=value` line for each variable an app needs, then `READY`, and runs until it is stopped.

#![forbid(unsafe_code)]

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use roundtrip_sandbox::platform::openapi_json;
use roundtrip_sandbox::shared::SystemClock;
use roundtrip_sandbox::{Config, serve};

/// Stand-ins of the booking platform and of Google Calendar, on 127.0.0.1.
#[derive(Debug, Parser)]
#[command(name = "roundtrip-sandbox", version)]
struct Arguments {
    /// Port of the platform; Google and the control API take the next two. 0 picks free ports.
    #[arg(long, default_value_t = 4800)]
    port: u16,
    /// Decides ids, tokens and sample data.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Sample appointments of Mara Vogt.
    #[arg(long, default_value_t = 24)]
    appointments: usize,
    /// Answer sign-in pages by an immediate redirect.
    #[arg(long)]
    auto_consent: bool,
    /// Start with calendars that hold no events of the trainers' own.
    #[arg(long)]
    empty_calendars: bool,
    /// Print the platform's OpenAPI document and end.
    #[arg(long)]
    print_openapi: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("roundtrip-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> io::Result<()> {
    if arguments.print_openapi {
        return io::stdout().write_all(openapi_json().as_bytes());
    }
    let config = Config {
        seed: arguments.seed,
        appointments: arguments.appointments,
        auto_consent: arguments.auto_consent,
        sample_events: !arguments.empty_calendars,
        ..Config::default()
    };
    let running = serve(config, Arc::new(SystemClock), arguments.port).await?;
    {
        // Whoever started this waits for the last line, so that it must not linger in a buffer.
        let mut out = io::stdout().lock();
        for (key, value) in running.environment() {
            writeln!(out, "{key}={value}")?;
        }
        writeln!(out, "READY")?;
        out.flush()?;
    }
    stopped().await?;
    running.shutdown().await;
    Ok(())
}

/// Waits for Ctrl-C, or on Unix for SIGTERM.
async fn stopped() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
