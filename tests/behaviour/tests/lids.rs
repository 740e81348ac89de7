//! An engine that is stopped, and one whose laptop slept where nobody told it so.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use roundtrip_behaviour_tests::World;
use roundtrip_engine::ledger::Trigger;
use roundtrip_http::{HttpError, HttpPort};
use std::sync::Arc;
use tokio::sync::watch;

/// Answers nothing until it is let go.
struct Holds {
    services: Arc<dyn HttpPort>,
    held: watch::Sender<bool>,
    asked: watch::Sender<usize>,
}

#[async_trait]
impl HttpPort for Holds {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.asked.send_modify(|asked| *asked += 1);
        let mut held = self.held.subscribe();
        held.wait_for(|held| !held).await.expect("the test holds it");
        self.services.send(request).await
    }
}

#[tokio::test]
async fn no_cycle_begins_once_the_engine_is_stopped_though_it_was_waiting_for_its_turn() {
    let world = World::new().await;
    let mark = world.mark();
    let holds = Arc::new(Holds {
        services: world.wire.services(),
        held: watch::Sender::new(true),
        asked: watch::Sender::new(0),
    });
    world.wire.divert(Some(holds.clone()));
    let engine = world.engine.clone();
    let first = tokio::spawn(async move { engine.cycle(Trigger::Manual).await.map(|_| ()) });
    let mut asked = holds.asked.subscribe();
    asked.wait_for(|asked| *asked >= 2).await.expect("it asks");
    world.engine.ask_for(Trigger::Manual);
    let driving = world.drive_as_it_is();
    // The database answers from a thread of its own.
    for _ in 0..20_000 {
        tokio::task::yield_now().await;
    }
    let stopped = driving.stop();
    tokio::join!(stopped, async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        holds.held.send_replace(false);
    });
    first.await.expect("it ends").expect("the ledger works");
    let asked = world.requests_since(mark).into_iter();
    let lists = asked.filter(|request| request.path.ends_with("/events")).count();
    assert_eq!(lists, 1, "of the first one");
}
