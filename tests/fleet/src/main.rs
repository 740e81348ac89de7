//! Plays a day of a fleet and prints what it meant for the project, as JSON.

use clap::Parser;
use roundtrip_fleet::trainer::Habit;
use roundtrip_fleet::{Outcome, Plan, Story, play};

/// A fleet of virtual trainers against one project's quota.
#[derive(Parser)]
struct Arguments {
    /// Virtual trainers.
    #[arg(long, default_value_t = 10_000)]
    trainers: u32,
    /// Everything follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut outcomes: Vec<Outcome> = Vec::new();
    let days = [
        (Habit::Schedule, Story::Steady),
        (Habit::Schedule, Story::Outage),
        (Habit::Schedule, Story::Restart),
        (Habit::Relay, Story::Steady),
        (Habit::Relay, Story::RelayGone),
        (Habit::LockStep, Story::Steady),
    ];
    for (habit, story) in days {
        outcomes.push(play(&Plan {
            // In lock-step nearly everything is refused and asked again: a tenth in a smaller project shows it as well.
            trainers: match habit {
                Habit::Schedule | Habit::Relay => arguments.trainers,
                Habit::LockStep => arguments.trainers.min(1_000),
            },
            seed: arguments.seed,
            story,
            habit,
        }));
    }
    println!("{}", serde_json::to_string_pretty(&outcomes)?);
    Ok(())
}
