//! Appointments one by one.

use super::{Answered, checked};
use crate::gui::Gui;
use crate::ipc::dto::AppointmentDetails;
use roundtrip_core::ids::AppointmentId;
use tauri::State;

/// One appointment with what its inspector shows; none if it is not there any more.
#[tauri::command]
#[specta::specta]
pub async fn get_appointment(gui: State<'_, Gui>, id: String) -> Answered<Option<AppointmentDetails>> {
    let id = AppointmentId(checked("id", id)?);
    gui.host.appointment(&id).await
}
