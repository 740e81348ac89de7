//! One appointment that is opened, and the days of the dashboard, out of a ledger with many.

use super::*;
use crate::host::leaving::tests::connected;
use roundtrip_core::record::Record;
use roundtrip_engine::ledger::Change;
use serde_json::json;

const BERLIN: Tz = chrono_tz::Europe::Berlin;

fn record(id: &str, start: DateTime<Utc>, private: bool) -> Record {
    let said = json!({
        "id": id, "version": 1, "status": "scheduled", "kind": {"id": "visit", "name": "Visit"}, "title": "Linden",
        "topic": null, "place": null, "start": start, "end": start + Duration::hours(1), "zone": "Europe/Berlin",
        "notes": null, "client": {"id": "cli_1", "name": "Ada Klein", "email": null, "phone": null},
        "private": private, "editable": {"time": true, "notes": false}, "url": "https://platform.example/1",
        "created_at": start, "updated_at": start, "updated_by": null,
    });
    let mut record = Record::new(AppointmentId::new(id));
    record.appointment = Some(serde_json::from_value(said).expect("an appointment"));
    record
}

async fn put(host: &Host, records: impl IntoIterator<Item = Record>) {
    let changes = records
        .into_iter()
        .map(|record| Change::PutRecord(Box::new(record)));
    let running = host.running().await.expect("both are signed in");
    let kept = running.engine.ledger().commit(changes.collect()).await;
    kept.expect("the ledger works");
}

/// So many hours after today's midnight in Berlin.
fn from_midnight(now: DateTime<Utc>, hours: i64) -> DateTime<Utc> {
    let midnight = now
        .with_timezone(&BERLIN)
        .date_naive()
        .and_time(chrono::NaiveTime::MIN);
    let midnight = midnight.and_local_timezone(BERLIN).earliest();
    midnight.expect("Berlin has every midnight").to_utc() + Duration::hours(hours)
}

#[tokio::test]
async fn an_appointment_is_opened_with_every_step_and_its_first_no() {
    let (host, _folder) = connected("opened").await;
    let ahead = host.clock.now() + Duration::days(3);
    put(&host, [record("apt_1", ahead, true)]).await;

    let opened = host
        .appointment(&AppointmentId::new("apt_1"))
        .await
        .expect("a ledger");

    let opened = opened.expect("it is there");
    assert_eq!(
        (opened.row.id.as_str(), opened.row.reason.as_deref()),
        ("apt_1", Some("private"))
    );
    let failed: Vec<_> = opened
        .checks
        .iter()
        .filter(|check| !check.passed)
        .map(|check| check.check.as_str())
        .collect();
    assert_eq!((opened.checks.len(), failed), (10, vec!["private"]));
    // Ten thousand of them are sent at once: a step or an address more would be a megabyte.
    let row = serde_json::to_string(&opened.row).expect("JSON");
    assert!(row.len() < 400, "{} bytes: {row}", row.len());
    // Clients stay out of the window until the trainer turns them on.
    let client = opened
        .checks
        .iter()
        .find(|check| check.check == "client")
        .expect("a step");
    assert_eq!((opened.row.client, client.value.as_deref()), (None, None));
    host.close().await;
}

#[tokio::test]
async fn what_is_not_there_or_long_over_cannot_be_opened() {
    let (host, _folder) = connected("not-there").await;
    let over = host.clock.now() - Duration::hours(26);
    put(&host, [record("apt_over", over, false)]).await;
    for id in ["apt_over", "apt_none"] {
        let opened = host.appointment(&AppointmentId::new(id)).await.expect("a ledger");
        assert!(opened.is_none(), "{id}");
    }
    host.close().await;
}

#[tokio::test]
async fn the_dashboard_has_the_week_by_days_of_the_trainers_zone_and_says_how_many_there_are() {
    let (host, _folder) = connected("glance").await;
    let now = host.clock.now();
    let at = |id: &str, hours: i64| record(id, from_midnight(now, hours), false);
    let crowd = (0..50).map(|n| at(&format!("apt_{n}"), 36));
    let near = [
        at("today", 0),
        at("yesterday", -1),
        at("last", 8 * 24 - 3),
        at("after", 9 * 24 + 3),
    ];
    put(&host, crowd.chain(near)).await;

    let overview = host.overview().await.expect("a ledger");

    let today = now.with_timezone(&BERLIN).date_naive();
    let days: Vec<_> = overview
        .week
        .iter()
        .map(|day| ((day.day - today).num_days(), day.count))
        .collect();
    assert_eq!(
        days,
        [(0, 1), (1, 50), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 1)]
    );
    assert_eq!(overview.week[0].rows[0].id, "today");
    assert_eq!(overview.week[1].rows.len(), ROWS_A_DAY);
    assert_eq!(overview.week[7].rows[0].id, "last");
    host.close().await;
}
