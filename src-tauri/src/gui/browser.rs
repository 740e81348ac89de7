//! The system's browser, or the program that `ROUNDTRIP_BROWSER` names.

use crate::ipc::dto::AppError;

/// Opens an address. Only web addresses are ever handed to the system.
///
/// # Errors
/// `no_browser` if nothing could be started; the window offers "Copy link".
pub fn open(url: &str) -> Result<(), AppError> {
    let parsed = url::Url::parse(url).map_err(|_| AppError::input("url"))?;
    if !matches!(parsed.scheme(), "https" | "http") {
        return Err(AppError::input("url"));
    }
    let url = parsed.as_str();
    let failed = || AppError {
        code: "no_browser".into(),
        detail: None,
        field: None,
        retryable: true,
    };
    match std::env::var_os("ROUNDTRIP_BROWSER").filter(|program| !program.is_empty()) {
        Some(program) => {
            let mut child = std::process::Command::new(program)
                .arg(url)
                .stdin(std::process::Stdio::null())
                .spawn()
                .map_err(|_| failed())?;
            // Waited for on a thread of its own, so that no zombie is left.
            std::thread::spawn(move || child.wait());
            Ok(())
        }
        None => tauri_plugin_opener::open_url(url, None::<&str>).map_err(|_| failed()),
    }
}

/// Shows a file of ours in the system's file manager, or opens its folder.
///
/// # Errors
/// `no_file_manager` if neither could be done.
pub fn show_file(path: &std::path::Path) -> Result<(), AppError> {
    if tauri_plugin_opener::reveal_item_in_dir(path).is_ok() {
        return Ok(());
    }
    let opened = path
        .parent()
        .is_some_and(|folder| tauri_plugin_opener::open_path(folder, None::<&str>).is_ok());
    opened.then_some(()).ok_or_else(|| AppError {
        code: "no_file_manager".into(),
        detail: None,
        field: None,
        retryable: true,
    })
}
