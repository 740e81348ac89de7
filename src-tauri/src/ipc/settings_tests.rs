//! What a patch of the settings may say, and that a bad one changes nothing.

use super::*;
use crate::host::leaving::tests::{Folder, connected};
use crate::ipc::commands::{change_running, leave_out};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::NaiveDate;
use roundtrip_core::record::Record;
use roundtrip_engine::ledger::{Change, Trigger};
use roundtrip_http::{HttpError, HttpErrorKind, HttpPort};
use roundtrip_store::{Provider, TokenSet};
use tokio::sync::Semaphore;

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

/// A network on which nobody answers until the test says so, and then nobody either.
struct Slow {
    asked: Semaphore,
    answer: Semaphore,
}

#[async_trait]
impl HttpPort for Slow {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        self.asked.add_permits(1);
        let _ = self.answer.acquire().await;
        Err(HttpError::not_sent(HttpErrorKind::Connect))
    }
}

/// Signed in on both sides with tokens that are good, on that network.
async fn on_a_slow_network(name: &str) -> (Arc<Host>, Arc<Slow>, Folder) {
    let (mut host, folder) = connected(name).await;
    let accounts = host.accounts().await;
    for service in [Provider::Platform, Provider::Google] {
        let account = accounts.of(service).expect("signed in");
        let tokens = TokenSet {
            access: "a-test".into(),
            refresh: None,
            expires_at: Some(host.clock.now() + chrono::Duration::hours(1)),
            scopes: Vec::new(),
        };
        let integrations = host.database.integrations();
        let kept = integrations.put_with_tokens(account, &tokens, host.clock.now());
        kept.await.expect("the database works");
    }
    host.stop().await;
    let slow = Arc::new(Slow {
        asked: Semaphore::new(0),
        answer: Semaphore::new(0),
    });
    Arc::get_mut(&mut host).expect("nobody else has it").http = Arc::clone(&slow) as Arc<dyn HttpPort>;
    host.rebuild().await;
    (host, slow, folder)
}

#[tokio::test]
async fn what_is_changed_twice_while_a_cycle_goes_on_is_changed_both_times() {
    let (host, slow, _folder) = on_a_slow_network("two-changes").await;
    let running = host.running().await.expect("both are signed in");
    let known = ["apt_1", "apt_2"].map(|id| Change::PutRecord(Box::new(Record::new(AppointmentId::new(id)))));
    let kept = running.engine.ledger().commit(known.into()).await;
    kept.expect("the ledger works");
    let engine = Arc::clone(&running.engine);
    let cycle = tokio::spawn(async move { engine.cycle(Trigger::Manual).await });
    slow.asked.acquire().await.expect("never closed").forget();

    let patch = SettingsPatch {
        every_minutes: Some(30),
        ..SettingsPatch::default()
    };
    let (one, two, three, ()) = tokio::join!(
        leave_out(&running, AppointmentId::new("apt_1"), true),
        leave_out(&running, AppointmentId::new("apt_2"), true),
        change_running(&running, &patch),
        async {
            // Whoever looks at the settings before it is its turn has done so by now.
            let read = running.engine.ledger().settings().await;
            assert_eq!(read.expect("the ledger works"), SyncSettings::default());
            slow.answer.close();
        },
    );
    for done in [one, two, three] {
        assert_eq!(done.map_err(|error| error.code), Ok(()));
    }
    cycle.await.expect("it ends").expect("the ledger works");
    let after = running
        .engine
        .ledger()
        .settings()
        .await
        .expect("the ledger works");
    let excluded: Vec<&str> = after.filters.excluded.iter().map(AppointmentId::as_str).collect();
    assert_eq!((excluded, after.every_minutes), (vec!["apt_1", "apt_2"], 30));
    host.close().await;
}

#[test]
fn what_only_the_app_keeps_waits_for_no_cycle() {
    let app = SettingsPatch {
        theme: Some("dark".into()),
        motion: Some("reduce".into()),
        letter_keys: Some(false),
        daily_summary: Some(true),
        autostart: Some(false),
        titles_in_notifications: Some(true),
        ..SettingsPatch::default()
    };
    assert!(is_of_app_alone(&app));
    // The texts in events follow the language, and whatever else there is is the engine's.
    for more in [
        SettingsPatch {
            language: Some("de".into()),
            ..app.clone()
        },
        SettingsPatch {
            enabled: Some(true),
            ..app.clone()
        },
    ] {
        assert!(!is_of_app_alone(&more));
    }
}

#[test]
fn what_is_off_and_has_no_appointment_now_is_shown_without_a_name_so_that_it_stays_off() {
    let shown: BTreeMap<String, (String, u32)> = [("visit".to_owned(), ("Visit".to_owned(), 2))]
        .into_iter()
        .collect();
    let off = ["visit".to_owned(), "webinar".to_owned()].into_iter().collect();
    let toggles = toggles(shown, &off);
    let told: Vec<_> = toggles
        .iter()
        .map(|toggle| (toggle.id.as_str(), toggle.name.as_str(), toggle.count, toggle.on))
        .collect();
    assert_eq!(told, [("visit", "Visit", 2, false), ("webinar", "", 0, false)]);
}

#[test]
fn the_language_of_the_system_is_known_by_each_name_that_a_system_has_for_it() {
    for german in ["de", "de_DE.UTF-8", "de-DE", "de-AT", "DE_ch@euro"] {
        assert_eq!(language_named(Some(german)), "de", "{german}");
    }
    for other in ["en-GB", "C.UTF-8", "POSIX", "den_CA", "nds_DE", ""] {
        assert_eq!(language_named(Some(other)), "en", "{other}");
    }
    assert_eq!(language_named(None), "en");
}

#[test]
fn the_start_at_log_in_is_shown_as_the_system_has_it_once_it_was_chosen() {
    for (chosen, system, shown) in [
        (Some(true), Some(false), Some(false)),
        (Some(false), Some(true), Some(true)),
        (Some(true), None, Some(true)),
        (None, Some(false), None),
    ] {
        assert_eq!(autostart_of(chosen, system), shown);
    }
}
