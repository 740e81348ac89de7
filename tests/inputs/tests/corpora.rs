//! Every target over its corpus and over seeded changes of it. `cargo xtask fuzz` goes on from there.

use roundtrip_inputs::TARGETS;
use roundtrip_inputs::mutate::{Chance, mutate};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Changed inputs for each target.
const CHANGED: usize = 4_000;

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("a readable folder").path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            (name, std::fs::read(&path).expect("a readable file"))
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{target} has no corpus");
    files
}

#[test]
fn any_bytes_are_survived_by_everything_that_reads_from_outside() {
    let workers: Vec<_> = (0..2)
        .map(|worker| {
            std::thread::spawn(move || TARGETS.iter().skip(worker).step_by(2).map(run).sum::<usize>())
        })
        .collect();
    let inputs: usize = workers
        .into_iter()
        .map(|worker| worker.join().expect("a target held"))
        .sum();
    println!("{} targets, {inputs} inputs", TARGETS.len());
}

fn run((name, target): &(&str, fn(&[u8]))) -> usize {
    let files = corpus(name);
    let try_it = |what: &str, input: &[u8]| {
        if catch_unwind(AssertUnwindSafe(|| target(input))).is_err() {
            panic!("{name} on {what}: {:?}", String::from_utf8_lossy(input));
        }
    };
    for (file, input) in &files {
        try_it(file, input);
    }
    let mut chance = Chance::new(name.len() as u64 + 41);
    for nth in 0..CHANGED {
        let (_, input) = &files[chance.below(files.len())];
        let (_, other) = &files[chance.below(files.len())];
        try_it(&format!("change {nth}"), &mutate(input, other, &mut chance));
    }
    files.len() + CHANGED
}

#[test]
fn the_corpora_are_small_and_each_target_has_one() {
    let size: usize = TARGETS
        .iter()
        .flat_map(|(name, _)| corpus(name))
        .map(|(_, input)| input.len())
        .sum();
    assert!(size <= 200 * 1024, "{size} bytes");
}

/// Runs one target over so many changed inputs of its corpus.
fn run_changed(name: &str, count: usize) {
    let files = corpus(name);
    let mut chance = Chance::new(7);
    for _ in 0..count {
        let (_, input) = &files[chance.below(files.len())];
        let (_, other) = &files[chance.below(files.len())];
        roundtrip_inputs::run(name, &mutate(input, other, &mut chance));
    }
}

/// Each sends what it is to a waiting sign-in, too, which afterwards takes the right answer.
#[test]
fn ten_thousand_hostile_links_change_no_state() {
    run_changed("deep_link", 10_000);
}

#[test]
fn a_hundred_thousand_hostile_requests_reach_no_sign_in() {
    run_changed("loopback", 100_000);
}
