//! The platform hears of a laptop also while there is nothing to read.

use roundtrip_behaviour_tests::World;

#[tokio::test]
async fn between_checks_that_lie_far_apart_a_laptop_says_every_half_hour_that_it_is_there() {
    let world = World::new().await;
    world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    // At night it looks once an hour.
    world.advance(12 * 3_600);
    let mut driving = world.drive().await;
    driving.let_pass(5).await;
    let mark = world.mark();
    driving.let_pass(3 * 3_600).await;
    let requests = world.requests_since(mark);
    let count = |method: &str, path: &str| {
        let of = requests
            .iter()
            .filter(|request| request.method == method && request.path.contains(path));
        of.count()
    };
    let (told, read) = (count("PUT", "/v1/me/integrations"), count("GET", "/calendar/v3"));
    assert!(told >= 5, "told {told} times");
    assert!(read <= 5, "read {read} times");
    driving.stop().await;
}
