//! Work that has to go on for as long as the app runs. What breaks in it ends that try, and is begun anew.

use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// So long after it broke it is begun anew; each next time twice as long …
pub(super) const AGAIN_AFTER: Duration = Duration::from_mins(1);
/// … but not longer than this.
const AGAIN_WITHIN: Duration = Duration::from_hours(1);

/// Does `work` until it ends by itself or `stop` comes; `again_after` it `broke` it is begun anew, and `sooner` if that comes
/// first. A mistake of ours that ends one try (a panic) must not be the silent end of syncing until somebody starts the app
/// again.
pub(super) async fn keep_up<Work, Sooner>(
    stop: CancellationToken,
    again_after: Duration,
    mut work: impl FnMut() -> Work + Send,
    broke: impl Fn() + Send,
    sooner: impl Fn() -> Sooner + Send,
) where
    Work: Future<Output = ()> + Send + 'static,
    Sooner: Future<Output = ()> + Send,
{
    let mut waits = None;
    loop {
        let began = Instant::now();
        match tokio::spawn(work()).await {
            Err(ended) if ended.is_panic() && !stop.is_cancelled() => {
                tracing::error!("a mistake of ours ended work that has to go on; it is begun anew");
                broke();
            }
            Ok(()) | Err(_) => return,
        }
        let wait = wait_after(waits, began.elapsed(), again_after);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
            () = sooner() => {}
        }
        waits = Some(wait);
    }
}

/// Does one of many looks of the same kind: a mistake of ours that ends it (a panic) is written down and ends none of the others.
/// None of that one.
pub(crate) async fn go_on_after<Answer: Send + 'static>(
    look: impl Future<Output = Answer> + Send + 'static,
) -> Option<Answer> {
    let ended = tokio::spawn(look).await;
    if ended.is_err() {
        tracing::error!("a mistake of ours ended a look; the next one is made all the same");
    }
    ended.ok()
}

/// How long is waited after a try that lasted so long: twice as long as the last time, but from the start after one that was
/// fine for longer than any wait. What breaks once a week is not to wait as what breaks at once.
fn wait_after(before: Option<Duration>, lasted: Duration, first: Duration) -> Duration {
    match before.filter(|_| lasted <= AGAIN_WITHIN) {
        Some(before) => (before * 2).min(AGAIN_WITHIN),
        None => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn what_breaks_is_begun_anew_and_what_ends_is_not() {
        let [tries, told] = [0, 0].map(|none| Arc::new(AtomicU32::new(none)));
        let (counted, heard) = (Arc::clone(&tries), Arc::clone(&told));
        let work = move || {
            let tries = Arc::clone(&counted);
            async move {
                let before = tries.fetch_add(1, Ordering::Relaxed);
                assert!(before == 2, "breaks twice");
            }
        };
        let broke = move || _ = heard.fetch_add(1, Ordering::Relaxed);
        let stop = CancellationToken::new();
        keep_up(stop, Duration::ZERO, work, broke, std::future::pending).await;
        assert_eq!(tries.load(Ordering::Relaxed), 3);
        assert_eq!(told.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn once_it_is_to_stop_nothing_is_begun() {
        let stop = CancellationToken::new();
        let tries = Arc::new(AtomicU32::new(0));
        let (counted, ends) = (Arc::clone(&tries), stop.clone());
        let work = move || {
            let (tries, ends) = (Arc::clone(&counted), ends.clone());
            async move {
                tries.fetch_add(1, Ordering::Relaxed);
                ends.cancel();
                panic!("while it ends");
            }
        };
        keep_up(stop, Duration::ZERO, work, || (), std::future::pending).await;
        assert_eq!(tries.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn whoever_asks_meanwhile_does_not_wait() {
        let tries = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&tries);
        let work = move || {
            let tries = Arc::clone(&counted);
            async move { assert!(tries.fetch_add(1, Ordering::Relaxed) == 2, "breaks twice") }
        };
        // A wait that nobody ended would be longer than any test.
        let ends = keep_up(CancellationToken::new(), AGAIN_WITHIN, work, || (), || async {});
        let ended = tokio::time::timeout(Duration::from_secs(60), ends).await;
        assert!(ended.is_ok());
        assert_eq!(tries.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn a_look_that_breaks_is_not_the_last_one() {
        let mut answers = Vec::new();
        for nth in 0..3 {
            answers.push(
                go_on_after(async move {
                    if nth == 1 {
                        panic!("the second breaks")
                    } else {
                        nth
                    }
                })
                .await,
            );
        }
        assert_eq!(answers, [Some(0), None, Some(2)]);
    }

    #[test]
    fn each_wait_is_longer_until_a_try_has_lasted() {
        let (minute, hour) = (Duration::from_mins(1), Duration::from_hours(1));
        let mut waits = vec![wait_after(None, Duration::ZERO, minute)];
        for _ in 0..7 {
            waits.push(wait_after(waits.last().copied(), minute, minute));
        }
        let minutes: Vec<u64> = waits.iter().map(|wait| wait.as_secs() / 60).collect();
        assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(wait_after(Some(hour), hour + minute, minute), minute);
    }
}
