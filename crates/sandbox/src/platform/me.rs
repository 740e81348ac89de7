//! The caller: policy, what the laptops report, the writer lease, busy blocks.

use axum::Json;
use axum::extract::{Path, Query, State};
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::guard::{Answer, Caller, JsonBody};
use super::problem::{Problem, ProblemDetails};
use super::state::{Integration, LEASE_TIME};
use super::types::{
    BusyBlocks, IntegrationAnswer, IntegrationReport, IntegrationStatus, Me, PlatformInfo, Writer,
};
use super::{FEATURES, NAME, Platform};
use crate::faults::ActiveFaults;
use crate::history::{self, AppRequest};

const SCOPE: &str = "calendar_sync";

/// Who the caller is, the policy on calendar sync, and what the platform can do.
#[utoipa::path(get, path = "/v1/me", tag = "me", responses(
    (status = 200, description = "The caller", body = Me),
    (status = 401, description = "`unauthorized`", body = ProblemDetails, content_type = "application/problem+json")))]
pub(super) async fn me(State(platform): State<Platform>, caller: Caller, faults: ActiveFaults) -> Answer<Me> {
    let now = platform.now() + faults.clock_skew();
    let state = platform.state();
    let person = state
        .people
        .get(&caller.user)
        .ok_or_else(|| Problem::not_found("person"))?;
    Ok(Json(Me {
        id: person.id.clone(),
        name: person.name.clone(),
        email: person.email.clone(),
        role: person.role,
        locale: person.locale.clone(),
        time_zone: person.time_zone.name().to_owned(),
        calendar_sync: state.policy(&caller.user),
        features: FEATURES
            .iter()
            .filter(|feature| !state.withheld.contains(*feature))
            .map(|feature| (*feature).to_owned())
            .collect(),
        platform: PlatformInfo {
            name: NAME.to_owned(),
        },
        server_time: now,
    }))
}

/// What the admin sees of this laptop; asks for, renews or frees the writer lease.
#[utoipa::path(put, path = "/v1/me/integrations/{provider}", tag = "me", request_body = IntegrationReport,
    params(("provider" = String, Path)), responses(
    (status = 200, description = "The policy, and the laptop that writes", body = IntegrationAnswer),
    (status = 422, description = "`invalid`", body = ProblemDetails, content_type = "application/problem+json")))]
pub(super) async fn report(
    State(platform): State<Platform>,
    caller: Caller,
    Path(provider): Path<String>,
    JsonBody(report): JsonBody<IntegrationReport>,
) -> Answer<IntegrationAnswer> {
    caller.require(SCOPE)?;
    let now = platform.now();
    let mut state = platform.state();
    let lease = (caller.user.clone(), provider.clone());
    let lease_before = state.lease_state(&caller.user, &provider);
    let hand = history::Actor::App(AppRequest {
        device: Some(report.device_id.clone()),
        ..caller.said.clone()
    });
    let holder = state.writer(&caller.user, &provider, now).cloned();
    let holds = holder
        .as_ref()
        .is_some_and(|writer| writer.device_id == report.device_id);
    if report.status == IntegrationStatus::Disconnected {
        if holds {
            state.leases.remove(&lease);
        }
    } else if state.withheld.contains("writer_lease") {
        state.leases.remove(&lease);
    } else if holds || holder.is_none() || report.take_over {
        let since = holder.filter(|_| holds).map_or(now, |writer| writer.since);
        let writer = Writer {
            device_id: report.device_id.clone(),
            device: report.device.clone(),
            since,
            expires_at: now + LEASE_TIME,
        };
        state.leases.insert(lease, writer);
    }
    state.record_lease((&caller.user, &provider), lease_before, hand, now);
    let key = (caller.user.clone(), provider.clone(), report.device_id.clone());
    let integration = Integration {
        user: caller.user.clone(),
        provider: provider.clone(),
        reported_at: now,
        report,
        writer: false,
    };
    state.integrations.insert(key, integration);
    state.revision += 1;
    let writer = state.writer(&caller.user, &provider, now).cloned();
    Ok(Json(IntegrationAnswer {
        calendar_sync: state.policy(&caller.user),
        writer,
    }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DeviceQuery {
    /// Only this laptop; without it, all of the caller's.
    device_id: Option<String>,
}

/// Ends what `PUT` reported.
#[utoipa::path(delete, path = "/v1/me/integrations/{provider}", tag = "me",
    params(("provider" = String, Path), DeviceQuery),
    responses((status = 204, description = "Ended")))]
pub(super) async fn end_integration(
    State(platform): State<Platform>,
    caller: Caller,
    Path(provider): Path<String>,
    Query(query): Query<DeviceQuery>,
) -> Result<StatusCode, Problem> {
    caller.require(SCOPE)?;
    let meant = |device_id: &str| {
        query
            .device_id
            .as_deref()
            .is_none_or(|wanted| wanted == device_id)
    };
    let now = platform.now();
    let mut state = platform.state();
    let before = state.lease_state(&caller.user, &provider);
    state
        .integrations
        .retain(|(user, of, device_id), _| !(*user == caller.user && *of == provider && meant(device_id)));
    state
        .leases
        .retain(|(user, of), writer| !(*user == caller.user && *of == provider && meant(&writer.device_id)));
    let hand = history::Actor::App(caller.said.clone());
    state.record_lease((&caller.user, &provider), before, hand, now);
    state.revision += 1;
    Ok(StatusCode::NO_CONTENT)
}

/// Replaces the busy times of one source in a window (feature `busy_blocks`).
#[utoipa::path(put, path = "/v1/me/busy-blocks/{source}", tag = "me", request_body = BusyBlocks,
    params(("source" = String, Path)), responses(
    (status = 204, description = "Replaced"),
    (status = 422, description = "`invalid`: not times only, or not in order", body = ProblemDetails,
        content_type = "application/problem+json")))]
pub(super) async fn put_busy_blocks(
    State(platform): State<Platform>,
    caller: Caller,
    Path(source): Path<String>,
    JsonBody(BusyBlocks { window, blocks }): JsonBody<BusyBlocks>,
) -> Result<StatusCode, Problem> {
    caller.require(SCOPE)?;
    if window.end <= window.start || blocks.iter().any(|block| block.end <= block.start) {
        return Err(Problem::invalid(
            422,
            &["window", "blocks"],
            "A time must end after it begins.",
        ));
    }
    if blocks
        .iter()
        .any(|block| block.end <= window.start || block.start >= window.end)
    {
        return Err(Problem::invalid(
            422,
            &["blocks"],
            "A busy time lies outside the window.",
        ));
    }
    let mut state = platform.state();
    let kept = state.busy_blocks.entry((caller.user, source)).or_default();
    kept.retain(|block| block.end <= window.start || block.start >= window.end);
    kept.extend(blocks);
    kept.sort_by_key(|block| block.start);
    state.revision += 1;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes all busy times of one source.
#[utoipa::path(delete, path = "/v1/me/busy-blocks/{source}", tag = "me", params(("source" = String, Path)),
    responses((status = 204, description = "Removed")))]
pub(super) async fn delete_busy_blocks(
    State(platform): State<Platform>,
    caller: Caller,
    Path(source): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(SCOPE)?;
    let mut state = platform.state();
    state.busy_blocks.remove(&(caller.user, source));
    state.revision += 1;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes everything the platform holds from calendars of the caller.
#[utoipa::path(delete, path = "/v1/me/synced-data", tag = "me",
    responses((status = 204, description = "Removed")))]
pub(super) async fn delete_synced_data(
    State(platform): State<Platform>,
    caller: Caller,
) -> Result<StatusCode, Problem> {
    caller.require(SCOPE)?;
    let mut guard = platform.state();
    let state = &mut *guard;
    let user = &caller.user;
    state.busy_blocks.retain(|(of, _), _| of != user);
    state.integrations.retain(|(of, _, _), _| of != user);
    state.channels.retain(|_, channel| channel.user != *user);
    // A move stays: it belongs to the appointment. Which event and laptop it came from does not.
    let theirs = state
        .notifications
        .iter_mut()
        .filter(|notification| notification.trainer_id == *user);
    theirs.for_each(|notification| notification.source = None);
    state
        .writes
        .iter_mut()
        .filter(|write| write.user == *user)
        .for_each(|write| write.source = None);
    let records = state
        .records
        .values_mut()
        .filter(|record| record.assignee.as_ref() == Some(user));
    records.for_each(|record| record.source = None);
    state.revision += 1;
    Ok(StatusCode::NO_CONTENT)
}
