//! A simulated day of one trainer by polling: how many requests it takes.

use crate::tell;
use roundtrip_behaviour_tests::{Setup, World};
use roundtrip_sandbox::faults::Service;
use roundtrip_sandbox::log::LoggedRequest;

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// A whole day of the real driver, with so many changes on the platform spread over it.
pub async fn measure(changes: usize) {
    let world = World::of(Setup {
        appointments: 200,
        ..Setup::default()
    })
    .await;
    world.sync().await;
    let visits = world.admin().visits(changes);
    world.advance(120);
    world.sync().await;
    let mut driving = world.drive().await;
    let mark = world.mark();
    for (at, visit) in visits.iter().enumerate() {
        driving.let_pass(DAY_SECONDS / (changes as i64 + 1)).await;
        world.admin().rename(visit, &format!("Neue Apotheke {at}"));
    }
    driving.let_pass(DAY_SECONDS / (changes as i64 + 1)).await;
    let asked = world.requests_since(mark);
    let count = |service: Service, reading: bool| {
        let of = |one: &&LoggedRequest| one.service == service && (one.method == "GET") == reading;
        asked.iter().filter(of).count() as f64
    };
    let (lists, writes) = (count(Service::Google, true), count(Service::Google, false));
    tell("day: Google", "requests", &[lists + writes]);
    tell("day: Google, reading", "requests", &[lists]);
    tell(
        "day: platform",
        "requests",
        &[count(Service::Platform, true) + count(Service::Platform, false)],
    );
    driving.stop().await;
}
