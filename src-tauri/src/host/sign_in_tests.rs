//! What the window hears of sign-ins: in order, and nothing of one that another has followed.

use super::*;
use crate::host::leaving::tests::{Folder, connected};
use roundtrip_google::GoogleConfig;
use tokio::sync::broadcast::Receiver;

/// A host that can sign in to Google as far as the page in the browser.
async fn signs_in(name: &str) -> (Arc<Host>, Receiver<HostEvent>, Folder) {
    let (mut host, folder) = connected(name).await;
    host.stop().await;
    let client = |name: &str| (name == "GOOGLE_CLIENT_ID").then(|| "a-test".to_owned());
    let google = GoogleConfig::from_settings(client).expect("a client id");
    Arc::get_mut(&mut host).expect("nobody else has it").google = google;
    let events = host.events();
    (host, events, folder)
}

fn told(events: &mut Receiver<HostEvent>) -> Vec<(String, Option<String>)> {
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let HostEvent::SignIn(view) = event {
            told.push((view.state, view.problem));
        }
    }
    told
}

fn waiting() -> (String, Option<String>) {
    ("waiting".into(), None)
}

#[tokio::test]
async fn nothing_is_heard_of_a_sign_in_that_another_has_followed() {
    let (host, mut events, _folder) = signs_in("two-sign-ins").await;
    let first = host.begin_sign_in(Provider::Google, None).await.expect("begun");
    let number = host.sign_in().number;
    let second = host.begin_sign_in(Provider::Google, None).await.expect("begun");
    let ended = first.ended.await.expect("it ends");
    assert_eq!(ended.state, "cancelled");
    assert_eq!(told(&mut events).last(), Some(&waiting()));

    // As if its task had come to its turn only now.
    let late = CancellationToken::new();
    late.cancel();
    host.sign_in_ended(number, &late, &ended);
    assert_eq!(told(&mut events), []);
    let shown = host.sign_in().view.clone().expect("the second one waits");
    assert_eq!(shown.url.as_deref(), Some(second.url.as_str()));

    host.cancel_sign_in();
    let ended = second.ended.await.expect("it ends");
    assert_eq!(ended.state, "cancelled");
    assert_eq!(told(&mut events), [("cancelled".into(), None)]);
    assert_eq!(host.sign_in().view, None);
    host.close().await;
}

#[tokio::test]
async fn a_browser_that_does_not_start_is_said_of_the_sign_in_that_waits() {
    let (host, mut events, _folder) = signs_in("no-browser").await;
    let first = host.begin_sign_in(Provider::Google, None).await.expect("begun");
    let second = host.begin_sign_in(Provider::Google, None).await.expect("begun");
    first.ended.await.expect("it ends");
    told(&mut events);

    assert_eq!(host.say_no_browser(&first.url), None);
    let view = host.say_no_browser(&second.url).expect("it waits");
    assert_eq!(
        (view.state.as_str(), view.problem.as_deref()),
        ("waiting", Some("no_browser"))
    );
    // Whoever asks later hears of it, too: the window that was closed, the page that was on another screen.
    assert_eq!(host.sign_in().view, Some(view));
    assert_eq!(told(&mut events), [("waiting".into(), Some("no_browser".into()))]);

    host.cancel_sign_in();
    second.ended.await.expect("it ends");
    assert_eq!(host.say_no_browser(&second.url), None);
    host.close().await;
}
