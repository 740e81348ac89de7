//! What falls between two steps: a wait that comes late, an item that nobody could read, a write that is not wanted any more.

use chrono::TimeDelta;
use roundtrip_behaviour_tests::World;
use roundtrip_sandbox::faults::Fault;

#[tokio::test]
async fn a_wait_that_is_asked_for_late_in_a_long_run_counts_from_then() {
    let world = World::new().await;
    world.admin().visits(300);
    let wait = Fault::Status {
        status: 429,
        body: None,
        headers: vec![("Retry-After".into(), "2".into())],
    };
    world.spoil_google(wait, |rule| {
        rule.method("POST").path("/events").after(250).times(0)
    });
    let began = world.now();
    let report = world.sync().await;
    assert!(world.now() - began > TimeDelta::seconds(4), "a long run");
    let until = world.state().await.calendar_writes_wait_until;
    assert!(until.is_some_and(|until| until > world.now()), "{until:?}");
    assert_eq!(report.next_due_at, until, "it goes on then");
    world.repair();
    world.settle().await;
    assert_eq!(world.trainer().marked().len(), 300);
}
