//! All tests of this folder in one program; each file says what it is about.

mod google_auth;
mod google_events;
mod google_life;
mod google_person;
mod google_push;
mod google_support;
mod google_sync;
mod history;
mod platform_feed;
mod platform_hints;
mod platform_http;
mod platform_me;
mod platform_moves;
mod platform_openapi;
mod platform_signin;
mod platform_support;
mod realism;
