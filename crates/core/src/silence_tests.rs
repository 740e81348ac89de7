use super::*;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_248_000 + minute * 60, 0).expect("a test's own time")
}

/// A watch over virtual clocks, looked at every half minute.
struct Night {
    watch: Watch,
    minute: i64,
    said: Vec<(i64, Side)>,
}

impl Night {
    fn new() -> Self {
        Self {
            watch: Watch::default(),
            minute: 0,
            said: Vec::new(),
        }
    }

    fn look(&mut self, wall: TimeDelta, running: TimeDelta, counts: bool) {
        let fresh = self.watch.look(Passed { wall, running }, counts, at(self.minute));
        self.said
            .extend(fresh.into_iter().map(|side| (self.minute, side)));
    }

    fn awake(&mut self, minutes: i64) {
        for half in 0..minutes * 2 {
            self.minute += half % 2;
            self.look(TimeDelta::seconds(30), TimeDelta::seconds(30), true);
        }
    }

    fn succeed(&mut self, side: Side) -> Option<DateTime<Utc>> {
        self.watch.succeeded(side, at(self.minute))
    }
}

#[test]
fn two_hours_awake_without_a_success_are_a_silence_once() {
    let mut night = Night::new();
    night.awake(119);
    assert_eq!(night.said, []);
    night.awake(300);
    assert_eq!(night.said, [(120, Side::Platform), (120, Side::Calendar)]);
    let silence = night.watch.silence().expect("a silence");
    assert_eq!((silence.side, silence.since), (None, at(120)));
}

#[test]
fn each_side_is_silent_by_itself_and_the_first_success_ends_it() {
    let mut night = Night::new();
    night.awake(10);
    night.succeed(Side::Calendar);
    for _ in 0..10 {
        night.awake(15);
        night.succeed(Side::Platform);
    }
    assert_eq!(night.said, [(130, Side::Calendar)]);
    let silence = night.watch.silence().expect("a silence");
    assert_eq!(silence.side, Some(Side::Calendar));
    assert_eq!(silence.succeeded_at, Some(at(10)));
    night.watch.notified = true;
    assert_eq!(night.succeed(Side::Platform), None, "it was not silent");
    assert!(night.watch.notified, "the calendar still is");
    assert_eq!(night.succeed(Side::Calendar), Some(at(10)));
    assert_eq!(night.watch.silence(), None);
    assert!(!night.watch.notified, "the next silence is told again");
}

#[test]
fn sleeping_does_not_count_whatever_the_running_clock_does_meanwhile() {
    let week = TimeDelta::days(7);
    for running in [TimeDelta::seconds(5), week] {
        let mut night = Night::new();
        night.awake(118);
        night.look(week, running, true);
        assert_eq!(night.said, [], "no alarm at the wake-up itself");
        night.awake(4);
        assert_eq!(night.said, [], "it has its chance first");
        night.awake(2);
        assert_eq!(night.said.len(), 2, "the chance was not used");
    }
}

#[test]
fn a_chance_that_is_used_after_waking_up_leaves_nothing_to_say() {
    let mut night = Night::new();
    night.awake(119);
    night.look(TimeDelta::days(7), TimeDelta::seconds(5), true);
    night.awake(1);
    night.succeed(Side::Platform);
    night.succeed(Side::Calendar);
    night.awake(119);
    assert_eq!(night.said, []);
}

#[test]
fn a_clock_that_is_set_counts_nothing() {
    for jump in [TimeDelta::days(3650), TimeDelta::days(-3650)] {
        let mut night = Night::new();
        night.awake(60);
        night.look(jump, TimeDelta::seconds(30), true);
        night.awake(58);
        assert_eq!(night.said, [], "{jump}");
        night.awake(10);
        assert_eq!(night.said.len(), 2, "{jump}");
    }
}

#[test]
fn a_pause_does_not_count_and_its_end_gives_a_chance() {
    let mut night = Night::new();
    night.awake(118);
    for _ in 0..600 {
        night.look(TimeDelta::seconds(30), TimeDelta::seconds(30), false);
    }
    assert_eq!(night.said, []);
    night.awake(4);
    assert_eq!(night.said, []);
    night.awake(2);
    assert_eq!(night.said.len(), 2);
}

#[test]
fn what_is_remembered_outlives_the_process_but_the_chance_begins_anew() {
    let mut night = Night::new();
    night.awake(119);
    let kept = serde_json::to_string(&night.watch).expect("a document");
    night.watch = serde_json::from_str(&kept).expect("the same");
    night.awake(4);
    assert_eq!(night.said, []);
    night.awake(2);
    assert_eq!(night.said.len(), 2);

    night.watch.notified = true;
    let kept = serde_json::to_string(&night.watch).expect("a document");
    let again: Watch = serde_json::from_str(&kept).expect("the same");
    assert_eq!(
        again.silence(),
        night.watch.silence(),
        "said from the first moment"
    );
    assert!(again.notified && again.owed);
}
