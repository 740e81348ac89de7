//! One figure: what was measured how often, beside its goal and the best seen elsewhere.

use serde_json::{Value, json};

/// A bound that the issue of the project sets. Judged by the median, or by a percentile where the figure says so itself.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// One line of the table.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    name: String,
    /// All that was measured, in no order; the table shows median and spread.
    values: Vec<f64>,
    unit: &'static str,
    goal: Option<String>,
    bound: Option<Bound>,
    /// Best seen elsewhere, with what it is.
    anchor: Option<&'static str>,
    /// Measured against stand-ins of the services, on the same machine.
    simulated: bool,
    note: Option<String>,
}

impl Figure {
    /// A figure that was measured once.
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Figure {
        Figure::of(name, vec![value], unit)
    }

    /// One that was measured several times.
    pub(crate) fn of(name: impl Into<String>, values: Vec<f64>, unit: &'static str) -> Figure {
        Figure {
            name: name.into(),
            values,
            unit,
            goal: None,
            bound: None,
            anchor: None,
            simulated: false,
            note: None,
        }
    }

    /// A goal that is met by no more than this.
    pub(crate) fn at_most(mut self, bound: f64) -> Figure {
        self.goal = Some(format!("≤ {}", number(bound)));
        self.bound = Some(Bound::AtMost(bound));
        self
    }

    /// A goal that is met by no less than this.
    pub(crate) fn at_least(mut self, bound: f64) -> Figure {
        self.goal = Some(format!("≥ {}", number(bound)));
        self.bound = Some(Bound::AtLeast(bound));
        self
    }

    /// The best that is known of others.
    pub(crate) fn anchor(mut self, anchor: &'static str) -> Figure {
        self.anchor = Some(anchor);
        self
    }

    /// The services were the sandbox's.
    pub(crate) fn simulated(mut self) -> Figure {
        self.simulated = true;
        self
    }

    /// What is to be known beside the number, e.g. why a floor is where it is.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Figure {
        self.note = Some(note.into());
        self
    }

    fn median(&self) -> f64 {
        percentile(&self.values, 0.5)
    }

    fn is_met(&self) -> Option<bool> {
        let median = self.median();
        self.bound.map(|bound| match bound {
            Bound::AtMost(most) => median <= most,
            Bound::AtLeast(least) => median >= least,
        })
    }

    /// As it is kept in a group's file.
    pub(super) fn json(&self) -> Value {
        let spread = [0.0, 1.0].map(|share| percentile(&self.values, share));
        json!({
            "name": self.name, "unit": self.unit, "median": self.median(), "least": spread[0], "most": spread[1],
            "times": self.values.len(), "values": self.values, "goal": self.goal, "met": self.is_met(),
            "anchor": self.anchor, "simulated": self.simulated, "note": self.note,
        })
    }
}

/// The value below which this share of them lies (nearest rank); not a number of nothing.
pub(crate) fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() as f64 * share).ceil() as usize;
    let last = sorted.len().saturating_sub(1);
    sorted
        .get(at.saturating_sub(1).min(last))
        .copied()
        .unwrap_or(f64::NAN)
}

/// A number as it is read: whole ones without a point, small ones with what they need.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        _ if value.fract().abs() < 1e-9 => format!("{value:.0}"),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_98th_of_a_hundred_is_the_98th() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(&values, 0.98), 98.0);
        assert_eq!(percentile(&values, 0.5), 50.0);
        assert_eq!(percentile(&values, 0.0), 1.0);
        assert_eq!(percentile(&[7.0], 0.98), 7.0);
        assert!(percentile(&[], 0.5).is_nan());
    }

    #[test]
    fn a_goal_is_judged_by_the_median() {
        let met = |figure: Figure| figure.json()["met"].as_bool();
        assert_eq!(
            met(Figure::of("a", vec![1.0, 2.0, 90.0], "ms").at_most(2.0)),
            Some(true)
        );
        assert_eq!(
            met(Figure::of("a", vec![1.0, 3.0, 3.0], "ms").at_most(2.0)),
            Some(false)
        );
        assert_eq!(met(Figure::new("a", 96.0, "%").at_least(95.0)), Some(true));
        assert_eq!(met(Figure::new("a", 96.0, "%")), None);
    }

    #[test]
    fn numbers_are_as_long_as_they_need_to_be() {
        let said = [0.0, 3.0, 0.0123, 0.5, 12.345, 1234.5].map(number);
        assert_eq!(said, ["0", "3", "0.0123", "0.50", "12.3", "1234"]);
    }
}
