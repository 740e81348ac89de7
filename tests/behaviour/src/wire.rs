//! The network cable of one laptop.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response};
use roundtrip_http::{HttpError, HttpErrorKind, HttpPort, Pieces};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// When the power goes, seen from one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Before it left the laptop.
    Before,
    /// After the service carried it out, before the laptop heard of it.
    After,
}

/// The way to the services. It can be unplugged, and the power can go at an exact write.
pub struct Wire {
    inner: Arc<dyn HttpPort>,
    state: Mutex<State>,
    dead: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    /// Roots of services that cannot be reached.
    unplugged: Vec<String>,
    /// Writes that still go through before the power goes.
    power: Option<(usize, Cut)>,
    /// The power goes after the service has answered a request to this path, before the laptop heard of it.
    dark_after: Option<String>,
    /// Who answers in place of the services.
    diverted: Option<Arc<dyn HttpPort>>,
}

impl Wire {
    /// A whole wire.
    pub fn new(inner: Arc<dyn HttpPort>) -> Self {
        Self {
            inner,
            state: Mutex::default(),
            dead: watch::Sender::new(false),
        }
    }

    /// From now on this service cannot be reached: not even a connection is made.
    pub fn unplug(&self, root: &str) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .unplugged
            .push(root.to_owned());
    }

    /// Everything can be reached again.
    pub fn plug_in(&self) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .unplugged
            .clear();
    }

    /// From now on all requests go to somebody else, who may pass them on; `None` is the services themselves again.
    pub fn divert(&self, to: Option<Arc<dyn HttpPort>>) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).diverted = to;
    }

    /// The services themselves, past whoever answers in their place.
    pub fn services(&self) -> Arc<dyn HttpPort> {
        self.inner.clone()
    }

    fn answers(&self) -> Arc<dyn HttpPort> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.diverted.clone().unwrap_or_else(|| self.inner.clone())
    }

    /// The power goes at the write after the next `writes` ones.
    pub fn cut_power(&self, writes: usize, cut: Cut) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).power = Some((writes, cut));
    }

    /// The power goes after the service has answered the next request to this path, before the laptop has kept anything of
    /// the answer.
    pub fn cut_power_after(&self, path: &str) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .dark_after = Some(path.to_owned());
    }

    /// The power stays on after all.
    pub fn keep_power(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.power, state.dark_after) = (None, None);
    }

    /// Waits until the power has gone.
    ///
    /// # Panics
    /// Never: the wire holds the other end itself.
    pub async fn power_gone(&self) {
        let mut dead = self.dead.subscribe();
        dead.wait_for(|dead| *dead)
            .await
            .expect("the wire itself holds the sender");
    }

    /// What becomes of this request: `None` is business as usual.
    fn fate(&self, request: &Request<Bytes>) -> Result<Option<Cut>, HttpError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let address = request.uri().to_string();
        if state.unplugged.iter().any(|root| address.starts_with(root)) {
            return Err(HttpError::not_sent(HttpErrorKind::Connect));
        }
        let path = request.uri().path();
        if state.dark_after.as_deref() == Some(path) {
            return Ok(Some(Cut::After));
        }
        let writes = request.method() != Method::GET
            && (path.starts_with("/calendar/v3/") || path.starts_with("/v1/appointments"));
        if let (true, Some((left, cut))) = (writes, &mut state.power) {
            if *left == 0 {
                return Ok(Some(*cut));
            }
            *left -= 1;
        }
        Ok(None)
    }
}

#[async_trait]
impl HttpPort for Wire {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        if *self.dead.borrow() {
            return std::future::pending().await;
        }
        match self.fate(&request)? {
            None => self.answers().send(request).await,
            Some(cut) => {
                if cut == Cut::After {
                    // Its answer is never heard.
                    let _ = self.inner.send(request).await;
                }
                self.dead.send_replace(true);
                std::future::pending().await
            }
        }
    }

    async fn open(&self, request: Request<Bytes>) -> Result<Response<Pieces>, HttpError> {
        if *self.dead.borrow() {
            return std::future::pending().await;
        }
        // No write of the tests' counting is a stream.
        self.fate(&request)?;
        self.answers().open(request).await
    }
}
