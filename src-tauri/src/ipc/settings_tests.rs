//! What a patch of the settings may say, and that a bad one changes nothing.

use super::*;
use chrono::NaiveDate;

fn field(patch: SettingsPatch) -> String {
    patched(&SyncSettings::default(), &patch)
        .expect_err("a bad patch")
        .field
        .unwrap_or_default()
}

fn hours(from: Option<&str>, until: Option<&str>) -> SettingsPatch {
    SettingsPatch {
        hours: Some(DayHours {
            from: from.map(str::to_owned),
            until: until.map(str::to_owned),
        }),
        ..SettingsPatch::default()
    }
}

fn rules(all: &[(&str, &str, &str)]) -> SettingsPatch {
    let rule = |(field, pattern, text): &(&str, &str, &str)| OwnRuleView {
        field: (*field).into(),
        pattern: (*pattern).into(),
        text: (*text).into(),
    };
    SettingsPatch {
        own_rules: Some(all.iter().map(rule).collect()),
        ..SettingsPatch::default()
    }
}

fn day(text: &str) -> Option<NaiveDate> {
    Some(text.parse().expect("a day"))
}

#[test]
fn a_patch_changes_only_what_it_names() {
    let before = SyncSettings {
        every_minutes: 30,
        ..SyncSettings::default()
    };
    let patch = SettingsPatch {
        direction: Some("push".into()),
        ..SettingsPatch::default()
    };
    let after = patched(&before, &patch).expect("a good patch");
    assert_eq!(
        after,
        SyncSettings {
            direction: Direction::Push,
            ..before
        }
    );
}

#[test]
fn words_and_numbers_outside_their_lists_name_their_field() {
    let every = |minutes| SettingsPatch {
        every_minutes: Some(minutes),
        ..Default::default()
    };
    assert_eq!(field(every(4)), "every_minutes");
    assert_eq!(field(every(61)), "every_minutes");
    assert_eq!(
        field(SettingsPatch {
            direction: Some("sideways".into()),
            ..Default::default()
        }),
        "direction"
    );
    assert_eq!(
        field(SettingsPatch {
            time_policy: Some(String::new()),
            ..Default::default()
        }),
        "time_policy"
    );
    assert_eq!(
        field(SettingsPatch {
            text_policy: Some("keep_both".into()),
            ..Default::default()
        }),
        "text_policy"
    );
    for color in ["0", "12", "red", "01", " 3"] {
        let patch = SettingsPatch {
            color: Some(color.into()),
            ..Default::default()
        };
        assert_eq!(field(patch), "color", "{color}");
    }
    assert_eq!(
        field(SettingsPatch {
            fallback_title: Some("ä".repeat(101)),
            ..Default::default()
        }),
        "fallback_title"
    );
    assert_eq!(
        field(SettingsPatch {
            weekdays_off: Some(vec![0, 7]),
            ..Default::default()
        }),
        "weekdays_off"
    );
}

#[test]
fn the_app_s_own_words_are_checked_before_anything_is_written() {
    for (patch, name) in [
        (
            SettingsPatch {
                theme: Some("pink".into()),
                ..Default::default()
            },
            "theme",
        ),
        (
            SettingsPatch {
                language: Some("fr".into()),
                ..Default::default()
            },
            "language",
        ),
        (
            SettingsPatch {
                motion: Some("more".into()),
                ..Default::default()
            },
            "motion",
        ),
    ] {
        let error = check_app(&patch).expect_err("a bad word");
        assert_eq!(error.field.as_deref(), Some(name));
    }
    let good = SettingsPatch {
        motion: Some("reduce".into()),
        ..Default::default()
    };
    assert!(check_app(&good).is_ok());
}

#[test]
fn days_are_a_window_whose_ends_are_in_order() {
    let dates = |from, until| SettingsPatch {
        dates: Some(DateWindow { from, until }),
        ..Default::default()
    };
    assert_eq!(field(dates(day("2026-12-02"), day("2026-12-01"))), "dates");
    let one = dates(day("2026-12-01"), day("2026-12-01"));
    let after = patched(&SyncSettings::default(), &one).expect("one day is a window");
    assert_eq!(
        (after.filters.first_day, after.filters.last_day),
        (day("2026-12-01"), day("2026-12-01"))
    );
    let open = patched(&after, &dates(None, None)).expect("no bounds");
    assert_eq!((open.filters.first_day, open.filters.last_day), (None, None));
}

#[test]
fn hours_are_written_as_a_clock_shows_them() {
    for bad in [
        "8:00", "25:00", "08:60", "08.00", "", "08:00 ", "+8:00", "morning",
    ] {
        assert_eq!(field(hours(Some(bad), None)), "hours", "{bad}");
        assert_eq!(field(hours(None, Some(bad))), "hours", "{bad}");
    }
    assert_eq!(field(hours(Some("18:00"), Some("08:00"))), "hours");
    assert_eq!(field(hours(Some("08:00"), Some("08:00"))), "hours");
    assert_eq!(field(hours(None, Some("00:00"))), "hours");
    let after = patched(&SyncSettings::default(), &hours(Some("08:00"), None)).expect("one bound");
    assert_eq!(after.filters.earliest, NaiveTime::from_hms_opt(8, 0, 0));
    assert_eq!(after.filters.latest, None);
}

#[test]
fn own_rules_are_taken_together_or_not_at_all() {
    let good = ("title", "contains", "Intern");
    let after = patched(
        &SyncSettings::default(),
        &rules(&[good, ("client", "regex", "^A")]),
    )
    .expect("good rules");
    assert_eq!(after.filters.own_rules.len(), 2);
    for bad in [
        ("colour", "contains", "x"),
        ("title", "sounds_like", "x"),
        ("title", "contains", "  "),
        ("title", "regex", "a("),
        ("title", "regex", ""),
    ] {
        assert_eq!(field(rules(&[good, bad])), "own_rules", "{bad:?}");
    }
    assert_eq!(
        field(rules(&[("notes", "contains", &"x".repeat(201))])),
        "own_rules"
    );
    assert_eq!(field(rules(&[good; 51])), "own_rules");
    assert!(patched(&SyncSettings::default(), &rules(&[good; 50])).is_ok());
}

#[test]
fn an_empty_colour_or_title_goes_back_to_the_default() {
    let mut before = SyncSettings::default();
    before.text.color = Some("3".into());
    before.text.fallback_title = Some("Termin".into());
    let patch = SettingsPatch {
        color: Some(String::new()),
        fallback_title: Some("  ".into()),
        ..Default::default()
    };
    assert_eq!(
        patched(&before, &patch).expect("a good patch"),
        SyncSettings::default()
    );
    let chosen = SettingsPatch {
        color: Some("11".into()),
        fallback_title: Some(" Besuch ".into()),
        ..Default::default()
    };
    let after = patched(&before, &chosen).expect("a good patch");
    assert_eq!(after.text.color.as_deref(), Some("11"));
    assert_eq!(after.text.fallback_title.as_deref(), Some("Besuch"));
}

#[test]
fn a_bad_mark_names_its_field() {
    let field = |patch: SettingsPatch| {
        patched(&SyncSettings::default(), &patch)
            .expect_err("a bad patch")
            .field
            .unwrap_or_default()
    };
    for tag in [
        "",
        "linden",
        "#",
        "#two words",
        "#a-tag-that-is-longer-than-thirty",
    ] {
        let patch = SettingsPatch {
            mark_tag: Some(tag.into()),
            ..Default::default()
        };
        assert_eq!(field(patch), "mark_tag", "{tag:?}");
    }
}

#[test]
fn marked_events_are_turned_on_with_a_tag_of_ones_own() {
    let patch = SettingsPatch {
        created_externally: Some(true),
        mark_tag: Some(" #Termin ".into()),
        ..SettingsPatch::default()
    };
    let after = patched(&SyncSettings::default(), &patch).expect("a good patch");
    assert!(after.created_externally);
    assert_eq!(after.mark_tag.as_deref(), Some("#Termin"));
}

#[test]
fn lists_of_ids_have_an_end() {
    type Put = fn(&mut SettingsPatch, Vec<String>);
    let lists: [(&str, Put); 3] = [
        ("types_off", |patch, ids| patch.types_off = Some(ids)),
        ("clients_off", |patch, ids| patch.clients_off = Some(ids)),
        ("excluded", |patch, ids| patch.excluded = Some(ids)),
    ];
    let numbered = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>();
    for (name, put) in lists {
        let with = |ids| {
            let mut patch = SettingsPatch::default();
            put(&mut patch, ids);
            patch
        };
        assert_eq!(field(with(numbered(5_001))), name);
        assert_eq!(field(with(vec!["ü".repeat(513)])), name);
        for good in [numbered(5_000), vec!["ü".repeat(512)]] {
            assert!(patched(&SyncSettings::default(), &with(good)).is_ok(), "{name}");
        }
    }
}
