//! How many tests ran, read from what each test runner printed.

use std::ops::AddAssign;

/// Passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Passed.
    pub passed: u32,
    /// Failed.
    pub failed: u32,
}

impl Counts {
    /// One check that went well or not.
    pub fn one(passed: bool) -> Counts {
        Counts {
            passed: u32::from(passed),
            failed: u32::from(!passed),
        }
    }

    /// A runner that ended badly without naming a failed test (it did not build, it crashed) counts as one failure; so
    /// does one that ran nothing at all.
    pub fn with_end(self, ended_well: bool) -> Counts {
        if self.failed == 0 && (!ended_well || self.passed == 0) {
            return Counts { failed: 1, ..self };
        }
        self
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// nextest: `Summary [ 1.2s] 12 tests run: 11 passed (1 slow), 1 failed, 3 skipped`. Timed-out tests failed.
pub fn nextest(text: &str) -> Option<Counts> {
    let text = without_colours(text);
    let line = text
        .lines()
        .rev()
        .find(|line| line.trim_start().starts_with("Summary [") && line.contains("run:"))?;
    let after = line.split_once("run:")?.1;
    let failed = ["failed", "timed out", "exec failed"]
        .iter()
        .filter_map(|word| number_before(after, word))
        .sum();
    Some(Counts {
        passed: number_before(after, "passed").unwrap_or(0),
        failed,
    })
}

/// cargo test: the sum over `test result: ok. 5 passed; 0 failed; …`.
pub fn cargo_test(text: &str) -> Counts {
    let mut sum = Counts::default();
    for line in without_colours(text)
        .lines()
        .filter(|line| line.trim_start().starts_with("test result:"))
    {
        sum += Counts {
            passed: number_before(line, "passed").unwrap_or(0),
            failed: number_before(line, "failed").unwrap_or(0),
        };
    }
    sum
}

/// vitest: `Tests  1 failed | 41 passed (42)`.
pub fn vitest(text: &str) -> Option<Counts> {
    let text = without_colours(text);
    let line = text
        .lines()
        .rev()
        .find(|line| line.trim_start().starts_with("Tests "))?;
    Some(Counts {
        passed: number_before(line, "passed").unwrap_or(0),
        failed: number_before(line, "failed").unwrap_or(0),
    })
}

/// The stock client: `stock client: 48 checks passed`.
pub fn checks(text: &str) -> Option<Counts> {
    let line = text.lines().rev().find(|line| line.contains("checks passed"))?;
    Some(Counts {
        passed: number_before(line, "checks passed")?,
        failed: 0,
    })
}

/// Our own runners end with `N passed, N failed` alone on a line. What was left out is neither, and follows as `N left out`.
pub fn own(text: &str) -> Option<Counts> {
    text.lines().rev().find_map(|line| {
        let (passed, failed) = line.trim().split_once(", ")?;
        let failed = match failed.split_once(", ") {
            Some((failed, more)) => {
                more.strip_suffix(" left out")?.parse::<u32>().ok()?;
                failed
            }
            None => failed,
        };
        Some(Counts {
            passed: passed.strip_suffix(" passed")?.parse().ok()?,
            failed: failed.strip_suffix(" failed")?.parse().ok()?,
        })
    })
}

/// The number that stands directly before a word, as in `3 failed`.
fn number_before(text: &str, word: &str) -> Option<u32> {
    let mut at = 0;
    while let Some(found) = text[at..].find(word) {
        let before = text[..at + found].trim_end();
        let digits = before.chars().rev().take_while(char::is_ascii_digit).count();
        // "exec failed" is not "3 failed": the number must be the word before.
        if digits > 0 && text[..at + found].ends_with(' ') {
            return before[before.len() - digits..].parse().ok();
        }
        at += found + word.len();
    }
    None
}

/// Without the terminal's colour codes.
pub fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        if letter == '\u{1b}' {
            rest.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(letter);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nextest_summaries() {
        let good = "     Summary [   0.512s] 12 tests run: 12 passed (2 slow), 3 skipped";
        assert_eq!(
            nextest(good),
            Some(Counts {
                passed: 12,
                failed: 0
            })
        );
        let bad = "\u{1b}[31m     Summary\u{1b}[0m [   9.1s] 7 tests run: 4 passed, 2 failed, 1 timed out, 0 skipped\n\
                   FAIL something";
        assert_eq!(nextest(bad), Some(Counts { passed: 4, failed: 3 }));
        assert_eq!(nextest("error: could not compile"), None);
    }

    #[test]
    fn cargo_test_results_are_added_up() {
        let text = "test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured\n\
                    test result: FAILED. 2 passed; 1 failed; 0 ignored";
        assert_eq!(cargo_test(text), Counts { passed: 7, failed: 1 });
    }

    #[test]
    fn vitest_summaries() {
        let text = " Test Files  1 failed | 6 passed (7)\n      Tests  2 failed | 41 passed (43)\n";
        assert_eq!(
            vitest(text),
            Some(Counts {
                passed: 41,
                failed: 2
            })
        );
        assert_eq!(
            vitest("      \u{1b}[2mTests\u{1b}[22m  \u{1b}[32m9 passed\u{1b}[39m (9)"),
            Some(Counts { passed: 9, failed: 0 })
        );
    }

    #[test]
    fn the_stock_clients_last_line() {
        assert_eq!(
            checks("ok list\nstock client: 48 checks passed\n"),
            Some(Counts {
                passed: 48,
                failed: 0
            })
        );
        assert_eq!(checks("Traceback"), None);
    }

    #[test]
    fn our_own_last_line() {
        assert_eq!(
            own("ok 3 passed, or so\n8 passed, 1 failed\n"),
            Some(Counts { passed: 8, failed: 1 })
        );
        assert_eq!(own("nothing"), None);
        let with_some_left_out = "ok first\nLEFT OUT full disk: no mounts\n8 passed, 0 failed, 3 left out\n";
        assert_eq!(own(with_some_left_out), Some(Counts { passed: 8, failed: 0 }));
        assert_eq!(own("8 passed, 1 failed, or so"), None);
    }

    #[test]
    fn a_runner_that_names_no_failure_but_ends_badly_failed() {
        assert_eq!(
            Counts { passed: 5, failed: 0 }.with_end(false),
            Counts { passed: 5, failed: 1 }
        );
        assert_eq!(
            Counts { passed: 5, failed: 2 }.with_end(false),
            Counts { passed: 5, failed: 2 }
        );
        assert_eq!(
            Counts::default().with_end(true),
            Counts { passed: 0, failed: 1 },
            "nothing ran"
        );
    }
}
