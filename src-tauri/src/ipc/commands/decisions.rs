//! Many conflicts at once, undoing an answer, and the offer of a standing rule.

use super::{Answered, checked, connected, resolution_of, running, shown, zone};
use crate::gui::Gui;
use crate::host::{Host, Running};
use crate::ipc::convert;
use crate::ipc::dto::{AnsweredConflict, AppError, ConflictAnswer, Outcome, RuleCase, RuleOffer, UndoView};
use crate::ipc::settings::keys;
use chrono::{DateTime, Utc};
use roundtrip_core::conflict::ConflictState;
use roundtrip_core::ids::{AppointmentId, ConflictId};
use roundtrip_core::offer::{self, About, Offer};
use roundtrip_core::question::Answer;
use roundtrip_core::settings::ConflictPolicy;
use roundtrip_core::undo::{Effect, Why};
use std::collections::BTreeMap;
use tauri::State;

/// More answers than are ever given at once.
const ANSWERS_MAX: usize = 5_000;

/// Answers several conflicts; each succeeds or fails by itself.
#[tauri::command]
#[specta::specta]
pub async fn resolve_conflicts(gui: State<'_, Gui>, answers: Vec<ConflictAnswer>) -> Answered<Vec<Outcome>> {
    if answers.len() > ANSWERS_MAX {
        return Err(AppError::input("answers"));
    }
    let running = running(&gui).await?;
    let zone = zone(&gui.host).await;
    let mut asked = Vec::with_capacity(answers.len());
    for answer in answers {
        let id = ConflictId(checked("id", answer.id)?);
        asked.push((id, shown(answer.seen)?, resolution_of(answer.resolution, zone)?));
    }
    let outcomes = running.engine.resolve_conflicts(&asked).await;
    Ok(asked
        .into_iter()
        .zip(outcomes)
        .map(|((id, _, _), outcome)| Outcome {
            id: id.to_string(),
            result: outcome
                .err()
                .map_or_else(|| "done".into(), |error| AppError::from(error).code),
        })
        .collect())
}

/// Answers deletions that are held: removes the events now, or keeps them.
#[tauri::command]
#[specta::specta]
pub async fn answer_held(gui: State<'_, Gui>, appointment_ids: Vec<String>, remove: bool) -> Answered<()> {
    answer_all_held(&gui.host, appointment_ids, remove).await
}

/// What [`answer_held`] does.
pub(in crate::ipc) async fn answer_all_held(
    host: &Host,
    appointment_ids: Vec<String>,
    remove: bool,
) -> Answered<()> {
    let ids = held_ids(appointment_ids)?;
    let answer = if remove { Answer::GoOn } else { Answer::Leave };
    connected(host).await?.engine.answer_held(&ids, answer).await?;
    Ok(())
}

pub(in crate::ipc) fn held_ids(ids: Vec<String>) -> Answered<Vec<AppointmentId>> {
    if ids.len() > ANSWERS_MAX {
        return Err(AppError::input("appointment_ids"));
    }
    ids.into_iter()
        .map(|id| Ok(AppointmentId(checked("appointment_ids", id)?)))
        .collect()
}

/// Conflicts answered in the last 30 days, newest first.
#[tauri::command]
#[specta::specta]
pub async fn list_answered_conflicts(gui: State<'_, Gui>) -> Answered<Vec<AnsweredConflict>> {
    answered(&gui.host).await
}

/// The answer of [`list_answered_conflicts`].
///
/// # Errors
/// If the database cannot be read.
pub async fn answered(host: &Host) -> Answered<Vec<AnsweredConflict>> {
    let Some(running) = host.running().await else {
        return Ok(Vec::new());
    };
    let snapshot = running.snapshot().await?;
    let answered = running.engine.answered_conflicts().await?;
    Ok(answered
        .into_iter()
        .filter_map(|one| {
            let ConflictState::Resolved {
                resolution,
                at,
                by_policy,
            } = &one.conflict.state
            else {
                return None;
            };
            let mut view = convert::conflict(&one.conflict, &snapshot);
            if view.title.is_empty() {
                view.title = one.title.unwrap_or_default();
            }
            Some(AnsweredConflict {
                conflict: view,
                resolution: roundtrip_engine::resolution_word(resolution).into(),
                by_policy: *by_policy,
                at: *at,
                undo: undo_view(one.undo),
            })
        })
        .collect())
}

fn undo_view(undo: Result<Effect, Why>) -> UndoView {
    let effect = undo.unwrap_or_default();
    UndoView {
        tells_admin: effect.tells_admin,
        from: effect.from.as_ref().map(convert::time_view),
        to: effect.to.as_ref().map(convert::time_view),
        not_possible: undo.err().map(|why| why.code().into()),
    }
}

/// Undoes an answer by a new edit the other way round.
#[tauri::command]
#[specta::specta]
pub async fn undo_conflict(gui: State<'_, Gui>, id: String) -> Answered<()> {
    let id = ConflictId(checked("id", id)?);
    running(&gui).await?.engine.undo_conflict(&id).await?;
    Ok(())
}

/// The standing rule that the last answers suggest, if they do.
#[tauri::command]
#[specta::specta]
pub async fn get_rule_offer(gui: State<'_, Gui>) -> Answered<Option<RuleOffer>> {
    rule_offer(&gui.host).await
}

/// The answer of [`get_rule_offer`].
///
/// # Errors
/// If the database cannot be read.
pub async fn rule_offer(host: &Host) -> Answered<Option<RuleOffer>> {
    let Some(running) = host.running().await else {
        return Ok(None);
    };
    let Some(offer) = offered(host, &running).await? else {
        return Ok(None);
    };
    let mut cases = Vec::with_capacity(offer.cases.len());
    for conflict in &offer.cases {
        let record = running.engine.ledger().record(&conflict.appointment_id).await?;
        if let ConflictState::Resolved { at, .. } = conflict.state {
            cases.push(RuleCase {
                title: record
                    .as_ref()
                    .and_then(roundtrip_engine::title_of)
                    .unwrap_or_default(),
                at,
            });
        }
    }
    let policy = match offer.policy {
        ConflictPolicy::KeepPlatform => "keep_platform",
        ConflictPolicy::KeepCalendar => "keep_calendar",
        ConflictPolicy::MostRecent => "most_recent",
        ConflictPolicy::Ask => return Ok(None),
    };
    Ok(Some(RuleOffer {
        about: about_word(offer.about).into(),
        policy: policy.into(),
        cases,
    }))
}

/// Not this rule; it is not offered again for these answers.
#[tauri::command]
#[specta::specta]
pub async fn dismiss_rule_offer(gui: State<'_, Gui>) -> Answered<()> {
    let running = running(&gui).await?;
    let Some(offer) = offered(&gui.host, &running).await? else {
        return Ok(());
    };
    let newest = offer.cases.first().map(|conflict| &conflict.state);
    if let Some(ConflictState::Resolved { at, .. }) = newest {
        let mut dismissed = dismissed(&gui.host).await?;
        dismissed.insert(about_word(offer.about).into(), *at);
        gui.host
            .database
            .put_setting(keys::RULES_DISMISSED, &dismissed)
            .await?;
    }
    Ok(())
}

async fn offered(host: &Host, running: &Running) -> Answered<Option<Offer>> {
    let answered = running.engine.standing_answers().await?;
    let settings = running.engine.ledger().settings().await?;
    let dismissed = dismissed(host).await?;
    Ok(offer::offer(&answered, &settings, |about| {
        dismissed.get(about_word(about)).copied()
    }))
}

async fn dismissed(host: &Host) -> Answered<BTreeMap<String, DateTime<Utc>>> {
    let known = host.database.setting(keys::RULES_DISMISSED).await?;
    Ok(known.unwrap_or_default())
}

fn about_word(about: About) -> &'static str {
    match about {
        About::Time => "time",
        About::Text => "text",
    }
}
