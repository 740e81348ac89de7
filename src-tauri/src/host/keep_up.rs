//! Work that has to go on for as long as the app runs. What breaks in it ends that try, and is begun anew.

use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// So long after it broke it is begun anew; each next time twice as long …
pub(super) const AGAIN_AFTER: Duration = Duration::from_mins(1);
/// … but not longer than this.
const AGAIN_WITHIN: Duration = Duration::from_hours(1);

/// Does `work` until it ends by itself or `stop` comes; `again_after` it `broke` it is begun anew. A mistake of ours that ends one try (a panic) must not be the silent
/// end of syncing until somebody starts the app again.
pub(super) async fn keep_up<Work: Future<Output = ()> + Send + 'static>(
    stop: CancellationToken,
    mut again_after: Duration,
    mut work: impl FnMut() -> Work + Send,
    broke: impl Fn() + Send,
) {
    loop {
        match tokio::spawn(work()).await {
            Err(ended) if ended.is_panic() && !stop.is_cancelled() => {
                tracing::error!("a mistake of ours ended work that has to go on; it is begun anew");
                broke();
            }
            Ok(()) | Err(_) => return,
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(again_after) => {}
        }
        again_after = (again_after * 2).min(AGAIN_WITHIN);
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
        keep_up(CancellationToken::new(), Duration::ZERO, work, broke).await;
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
        keep_up(stop, Duration::ZERO, work, || ()).await;
        assert_eq!(tries.load(Ordering::Relaxed), 1);
    }
}
