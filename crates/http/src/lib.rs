//! The only door of Roundtrip to the network.
//!
//! # Key concepts
//! - [`HttpPort`] turns one request into one response, whole or, for a stream of hints, piece by piece. [`ReqwestHttp`] is the real one; `in_process::RouterHttp` (a feature)
//!   answers from a service in the same process.
//! - [`Metered`] counts requests, learns how far the service's clock is ahead, and names each request.
//! - [`Pace`] keeps an account below a service's published quota (`core::quota` decides) and obeys `Retry-After`.
//! - [`oauth`] is sign-in for both services: an *attempt* (one authorization request and its answer), the *loopback
//!   listener* that receives the answer, and the *token keeper* that refreshes.
//! - [`SignedHttp`] joins all of these: what a connector sends its requests through.
//!
//! # What it must not do
//! It knows no calendar and no platform, stores nothing, retries nothing (but one request after one refresh), and
//! follows no redirect.
#![forbid(unsafe_code)]

pub mod answer;
#[cfg(feature = "in-process")]
pub mod in_process;
mod limits;
mod metered;
pub mod oauth;
mod pace;
mod port;
mod reqwest_adapter;
mod signed;
#[cfg(feature = "testing")]
pub mod testing;

pub use metered::{Metered, user_agent};
pub use pace::{Pace, Pass};
pub use port::{HttpError, HttpErrorKind, HttpPort, Pieces, TOO_LARGE, TOO_SLOW, is_allowed, is_loopback};
pub use reqwest_adapter::{HttpOptions, ReqwestHttp};
pub use signed::SignedHttp;
