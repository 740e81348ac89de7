//! The ledger: whole commits or none, everything there after a reopen, the rule of the outbox.

use crate::common;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use common::*;
use roundtrip_core::conflict::{ConflictState, Resolution};
use roundtrip_core::ids::{
    AppointmentId, ConflictId, ConnectionId, Cursor, EventId, OutboxId, QuestionId, RunId,
};
use roundtrip_core::marked::{Marked, Step};
use roundtrip_core::outbox::{OutboxState, Side};
use roundtrip_core::question::Answer;
use roundtrip_core::settings::{Direction, SyncSettings};
use roundtrip_core::silence::Watch;
use roundtrip_engine::figures::DayCount;
use roundtrip_engine::ledger::{
    Change, HistoryFilter, HistoryResult, HistorySource, Ledger, LedgerError, RunResult, SyncState,
};
use roundtrip_engine::ports::SyncPolicy;
use roundtrip_store::SqliteLedger;
use sqlx::AssertSqlSafe;
use tempfile::tempdir;

fn one_of_each() -> Vec<Change> {
    let mut settings = SyncSettings {
        direction: Direction::Push,
        every_minutes: 5,
        ..SyncSettings::default()
    };
    settings.filters.excluded.insert(AppointmentId::new("a9"));
    settings.filters.weekdays_off.extend([5, 6]);
    vec![
        Change::PutRecord(Box::new(record("a1"))),
        Change::PutOutbox(Box::new(row("o1", "a1", Side::Calendar, OutboxState::Sent))),
        Change::PutConflict(Box::new(conflict("c1", now(), ConflictState::Open))),
        Change::PutMarked(Box::new(marked("e1"))),
        Change::PutChannel(Box::new(channel("n1"))),
        Change::PutQuestion(question("q1", now())),
        Change::PutRun(run("r1", now())),
        Change::AddItem(Box::new(item("i1", now()))),
        Change::PutSyncState(Box::new(state())),
        Change::PutWatch(Box::new(Watch {
            owed: true,
            ..Watch::default()
        })),
        Change::CountDay(Box::new(DayCount {
            runs: 1,
            ..DayCount::default()
        })),
        Change::PutSettings(Box::new(settings)),
        Change::Audit {
            event: "settings".into(),
            details: serde_json::json!({ "direction": "push" }),
            at: now(),
        },
    ]
}

fn marked(id: &str) -> Marked {
    Marked {
        event_id: EventId::new(id),
        step: Step::Dismissed,
        perhaps: Vec::new(),
    }
}

#[tokio::test]
async fn a_marked_event_is_kept_replaced_and_forgotten() {
    let dir = tempdir().expect("directory");
    let database = open(dir.path()).await;
    let ledger = database.ledger(connection());
    let put = |id: &str| Change::PutMarked(Box::new(marked(id)));
    ledger
        .commit(vec![put("e1"), put("e2"), put("e1")])
        .await
        .expect("commit");
    assert_eq!(
        ledger.marked().await.expect("marked"),
        [marked("e1"), marked("e2")]
    );
    let forget = Change::DeleteMarked(EventId::new("e1"));
    ledger.commit(vec![forget]).await.expect("commit");
    assert_eq!(ledger.marked().await.expect("marked"), [marked("e2")]);
    database
        .forget_connection(&connection())
        .await
        .expect("forgotten");
    assert_eq!(ledger.marked().await.expect("marked"), []);
}

fn state() -> SyncState {
    SyncState {
        cursor: Some(Cursor::new("c-7")),
        connected_at: Some(now()),
        paused_until: Some(DateTime::<Utc>::MAX_UTC),
        started: true,
        policy: Some(SyncPolicy {
            enabled: false,
            reason: Some("kill_switch".into()),
        }),
        ..SyncState::default()
    }
}

async fn is_untouched(ledger: &SqliteLedger) -> bool {
    let all = HistoryFilter {
        limit: 100,
        ..HistoryFilter::default()
    };
    let long_ago = DateTime::<Utc>::MIN_UTC;
    ledger.records().await.expect("records").is_empty()
        && ledger.outbox().await.expect("outbox").is_empty()
        && ledger.open_conflicts().await.expect("conflicts").is_empty()
        && ledger.marked().await.expect("marked events").is_empty()
        && ledger.channels().await.expect("channels").is_empty()
        && ledger.questions(long_ago).await.expect("questions").is_empty()
        && ledger.runs(long_ago, 100).await.expect("runs").is_empty()
        && ledger.history(&all).await.expect("history").is_empty()
        && ledger.sync_state().await.expect("sync state") == SyncState::default()
        && ledger.watch().await.expect("watch") == Watch::default()
        && ledger.days(NaiveDate::MIN).await.expect("days").is_empty()
        && ledger.settings().await.expect("settings") == SyncSettings::default()
}

#[tokio::test]
async fn a_commit_that_fails_anywhere_leaves_nothing() {
    let tables = [
        "calendar_sync_mappings",
        "outbox",
        "calendar_sync_conflicts",
        "calendar_sync_marked",
        "push_channels",
        "calendar_sync_questions",
        "calendar_sync_runs",
        "calendar_sync_history",
        "sync_state",
        "silence_watch",
        "daily_counts",
        "calendar_sync_configs",
        "calendar_sync_filters",
        "audit_log",
    ];
    let dir = tempdir().expect("directory");
    let database = open(dir.path()).await;
    let ledger = database.ledger(connection());
    let mut raw = raw(dir.path()).await;
    for table in tables {
        let fail =
            format!("CREATE TRIGGER fail BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'fail'); END");
        sqlx::query(AssertSqlSafe(fail))
            .execute(&mut raw)
            .await
            .expect("trigger");
        let failed = ledger.commit(one_of_each()).await;
        assert!(
            matches!(failed, Err(LedgerError::Unavailable(_))),
            "{table}: {failed:?}"
        );
        assert!(is_untouched(&ledger).await, "{table}");
        assert!(
            database.audit_log(10).await.expect("audit log").is_empty(),
            "{table}"
        );
        sqlx::query("DROP TRIGGER fail")
            .execute(&mut raw)
            .await
            .expect("trigger");
    }
    ledger
        .commit(one_of_each())
        .await
        .expect("nothing fails any more");
    assert!(!is_untouched(&ledger).await);
}

#[tokio::test]
async fn everything_is_there_after_a_reopen() {
    let dir = tempdir().expect("directory");
    let database = open(dir.path()).await;
    database
        .ledger(connection())
        .commit(one_of_each())
        .await
        .expect("commit");
    database.put_setting("theme", &"dark").await.expect("setting");
    database.close().await;

    let database = open(dir.path()).await;
    assert_eq!(database.recovered(), None);
    let ledger = database.ledger(connection());
    assert_eq!(ledger.records().await, Ok(vec![record("a1")]));
    assert_eq!(
        ledger.record(&AppointmentId::new("a1")).await,
        Ok(Some(record("a1")))
    );
    assert_eq!(ledger.record(&AppointmentId::new("a2")).await, Ok(None));
    assert_eq!(
        ledger.outbox().await,
        Ok(vec![row("o1", "a1", Side::Calendar, OutboxState::Sent)])
    );
    let raised = conflict("c1", now(), ConflictState::Open);
    assert_eq!(ledger.open_conflicts().await, Ok(vec![raised.clone()]));
    assert_eq!(ledger.conflict(&ConflictId::new("c1")).await, Ok(Some(raised)));
    assert_eq!(ledger.questions(now()).await, Ok(vec![question("q1", now())]));
    assert_eq!(
        ledger.question(&QuestionId::new("q1")).await,
        Ok(Some(question("q1", now())))
    );
    assert_eq!(ledger.runs(now(), 10).await, Ok(vec![run("r1", now())]));
    let all = HistoryFilter {
        limit: 10,
        ..HistoryFilter::default()
    };
    assert_eq!(ledger.history(&all).await, Ok(vec![item("i1", now())]));
    assert_eq!(ledger.sync_state().await, Ok(state()));
    let settings = ledger.settings().await.expect("settings");
    assert_eq!((settings.direction, settings.every_minutes), (Direction::Push, 5));
    assert!(settings.filters.excluded.contains(&AppointmentId::new("a9")));
    assert_eq!(settings.filters.weekdays_off.len(), 2);
    let audit = database.audit_log(10).await.expect("audit log");
    assert_eq!(audit.len(), 1);
    assert_eq!((audit[0].event.as_str(), audit[0].at), ("settings", now()));
    assert_eq!(audit[0].connection, Some(connection()));
    assert_eq!(database.setting::<String>("theme").await, Ok(Some("dark".into())));
    assert_eq!(database.setting::<String>("language").await, Ok(None));
    assert_eq!(database.connections().await, Ok(vec![connection()]));
}

#[tokio::test]
async fn a_link_and_side_have_one_sent_and_one_waiting_row() {
    let dir = tempdir().expect("directory");
    let ledger = ledger(dir.path()).await;
    let put = |id: &str, side, state| Change::PutOutbox(Box::new(row(id, "a1", side, state)));
    let first = vec![
        put("sent", Side::Calendar, OutboxState::Sent),
        put("waiting", Side::Calendar, OutboxState::Waiting),
        put("other side", Side::Platform, OutboxState::Waiting),
    ];
    ledger.commit(first).await.expect("one of each");
    for state in [OutboxState::Sent, OutboxState::Waiting] {
        let broken = ledger.commit(vec![put("second", Side::Calendar, state)]).await;
        assert!(
            matches!(broken, Err(LedgerError::Unavailable(_))),
            "{state:?}: {broken:?}"
        );
    }
    let elsewhere = ledger.commit(vec![
        Change::PutRecord(Box::new(record("a2"))),
        put("second", Side::Platform, OutboxState::Waiting),
    ]);
    assert!(elsewhere.await.is_err());
    assert_eq!(
        ledger.records().await,
        Ok(vec![]),
        "a commit that breaks the rule leaves nothing else either"
    );
    assert_eq!(ledger.outbox().await.expect("outbox").len(), 3);

    // The rule is about the end of a commit: a newer intent may take the place in either order.
    let replace = vec![
        put("newer", Side::Calendar, OutboxState::Waiting),
        Change::DeleteOutbox(OutboxId::new("waiting")),
    ];
    ledger.commit(replace).await.expect("replaced");
    let advance = vec![
        put("newest", Side::Calendar, OutboxState::Waiting),
        put("newer", Side::Calendar, OutboxState::Sent),
        Change::DeleteOutbox(OutboxId::new("sent")),
    ];
    ledger.commit(advance).await.expect("advanced");
    let ids: Vec<_> = ledger
        .outbox()
        .await
        .expect("outbox")
        .into_iter()
        .map(|row| row.id.0)
        .collect();
    assert_eq!(ids, ["other side", "newer", "newest"]);

    // Another connection and another appointment have slots of their own.
    let dir_ledger = SqliteLedger::clone(&ledger);
    let other = Change::PutOutbox(Box::new(row("x", "a2", Side::Calendar, OutboxState::Sent)));
    dir_ledger.commit(vec![other]).await.expect("another appointment");
}

#[tokio::test]
async fn rows_of_one_instant_keep_the_order_in_which_they_were_recorded() {
    let dir = tempdir().expect("directory");
    let ledger = ledger(dir.path()).await;
    for (id, appointment) in [("z", "a1"), ("a", "a2"), ("m", "a3")] {
        let put = Change::PutOutbox(Box::new(row(
            id,
            appointment,
            Side::Calendar,
            OutboxState::Waiting,
        )));
        ledger.commit(vec![put]).await.expect("commit");
    }
    let sent = Change::PutOutbox(Box::new(row("z", "a1", Side::Calendar, OutboxState::Sent)));
    ledger.commit(vec![sent]).await.expect("commit");
    let mut early = row("early", "a4", Side::Calendar, OutboxState::Waiting);
    early.created_at = now() - TimeDelta::microseconds(1);
    ledger
        .commit(vec![Change::PutOutbox(Box::new(early))])
        .await
        .expect("commit");
    let ids: Vec<_> = ledger
        .outbox()
        .await
        .expect("outbox")
        .into_iter()
        .map(|row| row.id.0)
        .collect();
    assert_eq!(ids, ["early", "z", "a", "m"]);
}

#[tokio::test]
async fn connections_do_not_see_each_other_and_one_can_be_forgotten() {
    let dir = tempdir().expect("directory");
    let database = open(dir.path()).await;
    let other = ConnectionId::new("google:106");
    for connection in [connection(), other.clone()] {
        database
            .ledger(connection)
            .commit(one_of_each())
            .await
            .expect("commit");
    }
    database
        .forget_connection(&connection())
        .await
        .expect("forgotten");
    assert!(is_untouched(&database.ledger(connection())).await);
    assert_eq!(database.connections().await, Ok(vec![other.clone()]));
    assert_eq!(
        database.ledger(other.clone()).records().await,
        Ok(vec![record("a1")])
    );
    assert_eq!(
        database
            .ledger(other.clone())
            .settings()
            .await
            .expect("settings")
            .direction,
        Direction::Push
    );

    database.forget_connection(&other).await.expect("forgotten");
    for (name, bytes) in all_bytes(dir.path()) {
        assert!(
            !contains(&bytes, "Löwen-Apotheke".as_bytes()),
            "{name} still holds what was deleted"
        );
    }
}

#[tokio::test]
async fn the_history_is_filtered_and_paged_newest_first() {
    let dir = tempdir().expect("directory");
    let ledger = ledger(dir.path()).await;
    let mut changes = Vec::new();
    for (index, result) in [HistoryResult::Ok, HistoryResult::Problem, HistoryResult::Ok]
        .into_iter()
        .enumerate()
    {
        let mut item = item(&format!("i{index}"), now() + TimeDelta::seconds(index as i64));
        item.result = result;
        item.run_id = (index < 2).then(|| RunId::new("r1"));
        item.appointment_id = (index > 0).then(|| AppointmentId::new("a1"));
        changes.push(Change::AddItem(Box::new(item)));
    }
    ledger.commit(changes).await.expect("commit");
    let ids = async |filter: HistoryFilter| -> Vec<String> {
        ledger
            .history(&filter)
            .await
            .expect("history")
            .into_iter()
            .map(|item| item.id)
            .collect()
    };
    let all = HistoryFilter {
        limit: 10,
        ..HistoryFilter::default()
    };
    assert_eq!(ids(all.clone()).await, ["i2", "i1", "i0"]);
    assert_eq!(
        ids(HistoryFilter {
            limit: 1,
            ..all.clone()
        })
        .await,
        ["i2"]
    );
    assert_eq!(
        ids(HistoryFilter {
            result: Some(HistoryResult::Ok),
            ..all.clone()
        })
        .await,
        ["i2", "i0"]
    );
    assert_eq!(
        ids(HistoryFilter {
            run_id: Some(RunId::new("r1")),
            ..all.clone()
        })
        .await,
        ["i1", "i0"]
    );
    let of_one = HistoryFilter {
        appointment_id: Some(AppointmentId::new("a1")),
        ..all.clone()
    };
    assert_eq!(ids(of_one).await, ["i2", "i1"]);
    let page = HistoryFilter {
        before: Some(now() + TimeDelta::seconds(2)),
        ..all.clone()
    };
    assert_eq!(ids(page).await, ["i1", "i0"]);
    let lately = HistoryFilter {
        since: Some(now() + TimeDelta::seconds(1)),
        ..all.clone()
    };
    assert_eq!(ids(lately).await, ["i2", "i1"]);
    let by = |source| HistoryFilter {
        source: Some(source),
        ..all.clone()
    };
    assert_eq!(ids(by(HistorySource::Platform)).await, ["i2", "i1", "i0"]);
    assert_eq!(ids(by(HistorySource::You)).await, [""; 0]);
    let asked = ["i0", "i2", "i9"].map(str::to_owned);
    let found = ledger.history_items(&asked).await.expect("history");
    let found: Vec<&str> = found.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(found, ["i2", "i0"]);
}

#[tokio::test]
async fn runs_and_questions_are_replaced_by_id() {
    let dir = tempdir().expect("directory");
    let ledger = ledger(dir.path()).await;
    let mut ended = run("r1", now());
    ended.ended_at = Some(now() + TimeDelta::seconds(3));
    ended.result = RunResult::Partial;
    let later = run("r2", now() + TimeDelta::minutes(15));
    let mut answered = question("q1", now());
    answered.answer = Some(Answer::Leave);
    answered.answered_at = Some(now() + TimeDelta::minutes(1));
    for changes in [
        vec![
            Change::PutRun(run("r1", now())),
            Change::PutQuestion(question("q1", now())),
        ],
        vec![
            Change::PutRun(ended.clone()),
            Change::PutRun(later.clone()),
            Change::PutQuestion(answered.clone()),
        ],
    ] {
        ledger.commit(changes).await.expect("commit");
    }
    assert_eq!(ledger.runs(now(), 10).await, Ok(vec![later.clone(), ended]));
    assert_eq!(ledger.runs(now(), 1).await, Ok(vec![later.clone()]));
    assert_eq!(
        ledger.runs(now() + TimeDelta::seconds(1), 10).await,
        Ok(vec![later])
    );
    assert_eq!(ledger.questions(now()).await, Ok(vec![answered]));
    assert_eq!(ledger.questions(now() + TimeDelta::minutes(1)).await, Ok(vec![]));
}

#[tokio::test]
async fn retention_keeps_what_is_open_and_what_is_young() {
    let dir = tempdir().expect("directory");
    let database = open(dir.path()).await;
    let ledger = database.ledger(connection());
    let old = now() - TimeDelta::days(31);
    let young = now() - TimeDelta::days(29);
    let resolved = |at| ConflictState::Resolved {
        resolution: Resolution::KeepPlatform,
        at,
        by_policy: false,
    };
    let answered = |id: &str, at| {
        let mut question = question(id, old);
        (question.answer, question.answered_at) = (Some(Answer::GoOn), Some(at));
        Change::PutQuestion(question)
    };
    let audit = |at| Change::Audit {
        event: "sign_in".into(),
        details: serde_json::json!({}),
        at,
    };
    let changes = vec![
        Change::PutRun(run("old", old)),
        Change::PutRun(run("young", young)),
        Change::AddItem(Box::new(item("old", old))),
        Change::AddItem(Box::new(item("young", young))),
        Change::PutConflict(Box::new(conflict("old", old, resolved(old)))),
        Change::PutConflict(Box::new(conflict(
            "gone",
            old,
            ConflictState::Superseded { at: old },
        ))),
        Change::PutConflict(Box::new(conflict("young", old, resolved(young)))),
        Change::PutConflict(Box::new(conflict("open", old, ConflictState::Open))),
        answered("old", old),
        answered("young", young),
        Change::PutQuestion(question("open", old)),
        audit(now() - TimeDelta::days(366)),
        audit(old),
    ];
    ledger.commit(changes).await.expect("commit");

    let retained = database.retention(now()).await.expect("retention");
    assert_eq!(
        (
            retained.runs,
            retained.items,
            retained.conflicts,
            retained.questions,
            retained.audit_entries
        ),
        (1, 1, 2, 1, 1)
    );
    let all = HistoryFilter {
        limit: 10,
        ..HistoryFilter::default()
    };
    assert_eq!(
        ledger.runs(DateTime::<Utc>::MIN_UTC, 10).await,
        Ok(vec![run("young", young)])
    );
    assert_eq!(ledger.history(&all).await, Ok(vec![item("young", young)]));
    assert_eq!(
        ledger.open_conflicts().await,
        Ok(vec![conflict("open", old, ConflictState::Open)])
    );
    assert!(
        ledger
            .conflict(&ConflictId::new("young"))
            .await
            .expect("conflict")
            .is_some()
    );
    let kept: Vec<_> = ledger
        .questions(DateTime::<Utc>::MIN_UTC)
        .await
        .expect("questions")
        .into_iter()
        .map(|q| q.id.0)
        .collect();
    assert_eq!(kept, ["open", "young"]);
    let log: Vec<_> = database
        .audit_log(10)
        .await
        .expect("audit log")
        .into_iter()
        .map(|entry| entry.event)
        .collect();
    assert_eq!(log, ["audit_log_shortened", "sign_in"]);
    assert_eq!(
        database.retention(now()).await,
        Ok(roundtrip_store::Retained::default()),
        "nothing is left to do"
    );
}

#[tokio::test]
async fn the_audit_log_cannot_be_changed_or_shortened() {
    let dir = tempdir().expect("directory");
    let database = open(dir.path()).await;
    for days in [400, 10, 0] {
        let at = now() - TimeDelta::days(days);
        database
            .audit(None, "sign_in", &serde_json::json!({ "days": days }), at)
            .await
            .expect("appended");
    }
    let mut raw = raw(dir.path()).await;
    for statement in [
        "UPDATE audit_log SET event = 'nothing'",
        "DELETE FROM audit_log",
        "DELETE FROM audit_log WHERE sequence = 2",
        "DELETE FROM audit_log WHERE sequence = 3",
    ] {
        let refused = sqlx::query(statement)
            .execute(&mut raw)
            .await
            .expect_err(statement);
        assert!(
            refused.to_string().contains("append only"),
            "{statement}: {refused}"
        );
    }
    assert_eq!(database.audit_log(10).await.expect("audit log").len(), 3);
    sqlx::query("DELETE FROM audit_log WHERE sequence = 1")
        .execute(&mut raw)
        .await
        .expect("older than a year");
}

#[tokio::test]
async fn a_value_that_cannot_be_read_is_named_without_its_content() {
    let dir = tempdir().expect("directory");
    let ledger = ledger(dir.path()).await;
    ledger.commit(one_of_each()).await.expect("commit");
    sqlx::query(
        "UPDATE calendar_sync_mappings SET document = json_set(document, '$.generation', 'Frau Süß')",
    )
    .execute(&mut raw(dir.path()).await)
    .await
    .expect("spoiled");
    let Err(LedgerError::Unreadable(text)) = ledger.records().await else {
        panic!("it was read")
    };
    assert!(
        text.contains("calendar_sync_mappings") && !text.contains("Süß"),
        "{text}"
    );
    assert!(ledger.outbox().await.is_ok(), "other tables are still read");
}

#[tokio::test]
async fn settings_of_the_store_itself_are_out_of_reach() {
    let dir = tempdir().expect("directory");
    let database = open(dir.path()).await;
    assert!(database.put_setting("store.token_key_version", &9).await.is_err());
    database
        .put_setting("window_hint_shown", &true)
        .await
        .expect("setting");
    database
        .put_setting("window_hint_shown", &false)
        .await
        .expect("setting");
    assert_eq!(
        database.setting::<bool>("window_hint_shown").await,
        Ok(Some(false))
    );
    database
        .delete_setting("window_hint_shown")
        .await
        .expect("setting");
    assert_eq!(database.setting::<bool>("window_hint_shown").await, Ok(None));
}

#[tokio::test]
async fn days_are_added_up_and_only_the_newest_ninety_stay() {
    let dir = tempdir().expect("directory");
    let database = open(dir.path()).await;
    let ledger = database.ledger(connection());
    let count = |day: NaiveDate| {
        let mut count = DayCount {
            day,
            runs: 2,
            platform_requests: 3,
            ..DayCount::default()
        };
        count.error(Side::Calendar, "throttled");
        vec![Change::CountDay(Box::new(count))]
    };
    let first: NaiveDate = "2026-08-01".parse().expect("a day");
    for day in first.iter_days().take(100) {
        ledger.commit(count(day)).await.expect("committed");
    }
    let last = first.iter_days().nth(99).expect("a day");
    ledger.commit(count(last)).await.expect("committed");
    let days = ledger.days(NaiveDate::MIN).await.expect("days");
    assert_eq!(days.len(), 90);
    assert_eq!(
        (days[89].day, days[89].runs, days[89].platform_requests),
        (last, 4, 6)
    );
    assert_eq!(days[89].errors["calendar.throttled"], 2);
    assert_eq!(ledger.days(last).await.expect("days").len(), 1);

    // A clock that is years ahead for a while costs one day of the ninety, and leaves nothing once it is right again.
    let ahead = "2036-01-01".parse().expect("a day");
    ledger.commit(count(ahead)).await.expect("committed");
    ledger.commit(count(last)).await.expect("committed");
    let days = ledger.days(NaiveDate::MIN).await.expect("days");
    assert_eq!((days.len(), days[88].day), (89, last));
}
