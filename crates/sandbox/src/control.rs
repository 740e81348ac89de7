//! The control API: what tests, demo and benches use to set up, to break, to act as the admin or as the trainer, and
//! to count. It is described in `docs/sandbox.md`.

mod google;

use axum::extract::{Path, Query, State};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Sandbox;
use crate::faults::{FaultRule, FaultState};
use crate::log::RequestCount;
use crate::platform::{Code, JsonBody, Problem};

/// The control API, below `/control`.
pub fn router(sandbox: Sandbox) -> Router {
    let platform = sandbox.platform.admin_router();
    let google = google::router(sandbox.google.clone());
    let routes = Router::new()
        .route("/", get(about))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/faults/{id}", delete(remove_fault))
        .route("/requests", get(requests).delete(clear_requests))
        .route("/requests/counts", get(counts))
        .route("/clock", get(clock).post(set_clock))
        .route("/auto-consent", put(set_auto_consent))
        .route("/reset", post(reset))
        .with_state(sandbox);
    Router::new()
        .nest("/control", routes)
        .nest("/control/platform", platform)
        .nest("/control/google", google)
}

async fn about(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(json!({
        "seed": sandbox.shared.seed(),
        "now": sandbox.shared.now(),
        "platform_url": sandbox.platform.base_url(),
        "google_url": sandbox.google.public_url(),
        "auto_consent": sandbox.platform.oauth().auto_consent(),
    }))
}

async fn faults(State(sandbox): State<Sandbox>) -> Json<Vec<FaultState>> {
    Json(sandbox.shared.faults().list())
}

async fn add_fault(
    State(sandbox): State<Sandbox>,
    JsonBody(rule): JsonBody<FaultRule>,
) -> (StatusCode, Json<Value>) {
    let id = sandbox.shared.faults().add(rule);
    (StatusCode::CREATED, Json(json!({"id": id})))
}

async fn clear_faults(State(sandbox): State<Sandbox>) -> StatusCode {
    sandbox.shared.faults().clear();
    StatusCode::NO_CONTENT
}

async fn remove_fault(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    if sandbox.shared.faults().remove(&id) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("fault rule"))
    }
}

#[derive(Debug, Deserialize)]
struct Since {
    #[serde(default)]
    since: u64,
}

async fn requests(State(sandbox): State<Sandbox>, Query(Since { since }): Query<Since>) -> Json<Value> {
    let log = sandbox.shared.log();
    Json(json!({"last_seq": log.last_seq(), "requests": log.since(since), "counts": log.counts(since)}))
}

async fn counts(
    State(sandbox): State<Sandbox>,
    Query(Since { since }): Query<Since>,
) -> Json<Vec<RequestCount>> {
    Json(sandbox.shared.log().counts(since))
}

async fn clear_requests(State(sandbox): State<Sandbox>) -> StatusCode {
    sandbox.shared.log().clear();
    StatusCode::NO_CONTENT
}

async fn clock(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(json!({"now": sandbox.shared.now()}))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum ClockChange {
    AdvanceSeconds(i64),
    Set(DateTime<Utc>),
}

async fn set_clock(
    State(sandbox): State<Sandbox>,
    JsonBody(change): JsonBody<ClockChange>,
) -> Result<Json<Value>, Problem> {
    let shared = &sandbox.shared;
    let at = match change {
        ClockChange::Set(at) => at,
        ClockChange::AdvanceSeconds(seconds) => {
            let by = TimeDelta::try_seconds(seconds).unwrap_or_default();
            shared
                .now()
                .checked_add_signed(by)
                .unwrap_or_else(|| shared.now())
        }
    };
    if shared.clock().set(at) {
        Ok(Json(json!({"now": shared.now()})))
    } else {
        let detail = "This sandbox runs on the machine's clock, which cannot be set.";
        Err(Problem::new(409, Code::Invalid, "Clock cannot be set", detail))
    }
}

#[derive(Debug, Deserialize)]
struct AutoConsent {
    on: bool,
}

async fn set_auto_consent(
    State(sandbox): State<Sandbox>,
    JsonBody(AutoConsent { on }): JsonBody<AutoConsent>,
) -> StatusCode {
    sandbox.platform.oauth().set_auto_consent(on);
    sandbox.google.oauth().set_auto_consent(on);
    StatusCode::NO_CONTENT
}

async fn reset(State(sandbox): State<Sandbox>) -> StatusCode {
    sandbox.reset();
    StatusCode::NO_CONTENT
}
